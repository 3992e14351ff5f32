"""rows.py - the figures of an evaluation: one row each, kept, written as JSON, and found again for the report.

A row: experiment, workload, mechanism, granularity (bytes; null where there is none), interval_ms (null: checkpoints by operations, or none), metric,
median, lo, hi; `parameters` where an experiment varies something else, `text` where a figure needs a word.
"""
import json

import measure

KEYS = ("experiment", "workload", "mechanism", "granularity", "interval_ms", "metric", "median", "lo", "hi")


class Rows:
    def __init__(self, path=None):
        self.rows, self.file = [], open(path, "w", encoding="utf-8") if path else None

    def add(self, experiment, workload, mechanism, metric, values, granularity=None, interval_ms=None, text=None, **parameters):
        values = [value for value in values if value is not None]
        if not values:
            return
        row = {"experiment": experiment, "workload": workload, "mechanism": mechanism, "granularity": granularity, "interval_ms": interval_ms,
               "metric": metric, **measure.spread(values)}
        if parameters:
            row["parameters"] = parameters
        if text:
            row["text"] = text
        self.rows.append(row)
        if self.file:
            self.file.write(json.dumps(row, ensure_ascii=False) + "\n")
            self.file.flush()

    def load(self, path):
        with open(path, encoding="utf-8") as file:
            self.rows += [json.loads(line) for line in file if line.strip()]

    def drop(self, experiment, **wanted):
        """Forgets rows. Not for rows that are written while they come."""
        gone = self.find(experiment, **wanted)
        self.rows = [row for row in self.rows if row not in gone]

    def save(self, path):
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in self.rows)

    def find(self, experiment, **wanted):
        """Rows in which all these are equal; a name that is no key of a row is one of its parameters."""
        def fits(row):
            return all(row.get(key, row.get("parameters", {}).get(key)) == value for key, value in wanted.items())
        return [row for row in self.rows if row["experiment"] == experiment and fits(row)]

    def one(self, experiment, **wanted):
        found = self.find(experiment, **wanted)
        return found[0] if found else None

    def median(self, experiment, **wanted):
        row = self.one(experiment, **wanted)
        return row["median"] if row else None

    def values(self, experiment, key, **wanted):
        """The different values of a key or parameter, in the order of their first rows."""
        return list(dict.fromkeys(row.get(key, row.get("parameters", {}).get(key)) for row in self.find(experiment, **wanted)))
