// exceptions.cc - C++: landing pads, cleanups, guards, virtual bases, containers. Compiled and read, never run.
#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

extern long foreign_calls(long);
extern void foreign_may_throw(void *);
struct Result { long values[6]; std::string text; };
extern Result foreign_object(int);

struct Counted {
  explicit Counted(long *counter) : counter(counter) { *counter += 1; }
  Counted(const Counted &other) : counter(other.counter) { *counter += 1; foreign_may_throw(counter); }
  ~Counted() { *counter -= 1; counter = nullptr; }
  long *counter;
};

void cleans_up(long *p) {
  Counted first(p);
  p[1] = foreign_calls(1);
  Counted second(first);
  p[2] = foreign_calls(2);
}
long catches(long *p, int n) {
  try {
    p[0] = n;
    if (n > 3)
      throw std::runtime_error("many");
    if (n > 2)
      throw n;
    foreign_may_throw(p);
    p[1] = n;
  } catch (const std::exception &e) {
    p[2] = static_cast<long>(std::string(e.what()).size());
    return -1;
  } catch (int &i) {
    p[3] = i;
    i = 5;
    throw;
  } catch (...) {
    p[4] = 1;
    foreign_may_throw(p);
    p[5] = 2;
  }
  p[6] = 3;
  return p[0];
}
void nested(long *p) {
  for (int i = 0; i < 10; ++i) {
    try {
      try {
        p[i] = i;
        foreign_may_throw(p + i);
        p[i] += 1;
      } catch (long j) {
        p[j] = j;
        foreign_may_throw(p);
        p[j + 1] = j;
      }
      p[i + 2] = 7;
    } catch (...) {
      p[i + 1] = i;
      if (i == 7)
        throw;
    }
  }
}
void never_throws(long *p) noexcept { p[0] = 1; foreign_may_throw(p); p[1] = 2; }
void array_of_objects(long *p, unsigned n) { Counted *all = static_cast<Counted *>(operator new(n * sizeof(Counted))); for (unsigned i = 0; i < n; ++i) new (all + i) Counted(p); std::unique_ptr<Counted[]> local(new Counted[3]{Counted(p), Counted(p), Counted(p)}); p[1] = 2; }
Counted &guarded(long *p) { static Counted once(p); static thread_local Counted each(p); once.counter = p; return each; }
void object_elsewhere(Result *to, int n) { *to = foreign_object(n); to->values[2] = n; new (to + 1) Result(foreign_object(n)); }
Result passes_on(int n) { Result r = foreign_object(n); r.values[0] = n; return r; }

struct Base { virtual ~Base() = default; virtual void set(long) = 0; long base = 1; };
struct Left : virtual Base { void set(long v) override { base = v; left = v; } long left = 2; };
struct Right : virtual Base { void set(long v) override { right = v; } long right = 3; };
struct Both : Left, Right { explicit Both(long v) : both(v) { set(v); } void set(long v) override { Left::set(v); Right::set(v); both = v; } long both; };
Base *virtual_bases(long v) { return new Both(v); }
void through_members(Both *b, long Both::*member, void (Base::*function)(long)) { b->*member = 5; (b->*function)(6); b->right = 7; }

void containers(std::vector<long> &v, std::map<std::string, std::vector<int>> &m, std::unordered_map<int, std::string> &u, const std::string &s) {
  for (long i = 0; i < 100; ++i)
    v.push_back(i * i);
  v.insert(v.begin() + 3, 5, 7);
  std::sort(v.begin(), v.end(), [](long a, long b) { return a % 10 < b % 10; });
  v.erase(std::remove_if(v.begin(), v.end(), [](long a) { return a & 1; }), v.end());
  m[s].push_back(static_cast<int>(v.size()));
  m.emplace("x" + s, std::vector<int>{1, 2, 3});
  u[3] = s + s.substr(1);
  u.erase(4);
  std::ostringstream out;
  out << s << 3.5 << v.size();
  m.begin()->second.resize(out.str().size());
}
std::variant<int, std::string, std::vector<double>> variants(int n) {
  std::variant<int, std::string, std::vector<double>> v = n;
  if (n > 2) v = std::string("text");
  if (n > 3) v = std::vector<double>(static_cast<size_t>(n), 1.5);
  std::visit([](auto &x) { x = {}; }, v);
  return v;
}
std::function<void(long)> closures(std::shared_ptr<long> p, std::optional<std::string> &o) {
  o = "optional";
  o->append(std::to_string(*p));
  return [p, o](long v) mutable { *p += v; o = std::string(static_cast<size_t>(v), 'x'); };
}
std::atomic<std::shared_ptr<int> *> published;
void publish(int n) { auto *fresh = new std::shared_ptr<int>(std::make_shared<int>(n)); delete published.exchange(fresh); }
