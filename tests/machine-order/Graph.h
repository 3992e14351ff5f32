//===- Graph.h - the control flow of one function ---------------*- C++ -*-===//
//
// Rules:
//   G1. Direct jumps exactly. A jump out of the function is an exit (a tail call).
//   G2. An indirect jump goes to every address in the function that data or code mentions (Program::possibleTargets). More edges only
//       make the checker stricter; when the values that were found with them show which table a jump reads, the graph is built again
//       with the entries of that table. In a function without such addresses an indirect jump is an exit.
//   G3. A call inside the range of a landing pad goes there too.
//   G4. Behind a call that never returns control goes on only where nothing else leads to.
//   G5. Where nothing leads to, except padding, is a root like the entry: nothing is in force there. It is a hole in G2, and an error.
//
//===----------------------------------------------------------------------===//
#ifndef PROSPER_ORDER_GRAPH_H
#define PROSPER_ORDER_GRAPH_H

#include "Program.h"

namespace order {

struct Edge {
  unsigned To;
  bool Unwinds;   ///< to a landing pad
  bool Retreats;  ///< closes a cycle: every cycle has at least one such edge
};

struct Block {
  unsigned First = 0, Last = 0; ///< instructions [First, Last)
  llvm::SmallVector<Edge, 2> Successors;
  llvm::SmallVector<std::pair<unsigned, unsigned>, 2> Predecessors; ///< block, and which of its edges
  bool Exits = false; ///< leaves the function: return, tail call
  bool IsRoot = false;
};

struct Graph {
  std::vector<Block> Blocks;
  std::vector<unsigned> Order; ///< reverse post-order from all roots
  unsigned IndirectJumps = 0, JumpsToAny = 0, ExitsByIndirectJump = 0;
  std::vector<unsigned> Unreached; ///< instructions at roots other than the entry
};

/// By address of the jump.
using KnownJumps = std::map<uint64_t, std::vector<uint64_t>>;

Graph buildGraph(const Program &P, const Function &F, llvm::ArrayRef<Instruction> Code, const KnownJumps &Known);

} // namespace order

#endif
