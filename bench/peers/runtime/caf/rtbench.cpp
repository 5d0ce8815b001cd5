// Peer workloads for CAF (C++ Actor Framework). Every line printed: "name value unit".
// Run one workload: ./rtbench-caf <workload> ; RTB_CORES = number of workers (default 2)
#include <caf/actor_registry.hpp>
#include <caf/all.hpp>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <future>
#include <iostream>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace caf;
using namespace std::chrono_literals;

// ---------------------------------------------------------------- shorthands
#define A(x) x##_atom_v
#define STATE(s) (s)->state()
template <class S, class T, class... M>
void tell(S* self, const T& to, M&&... m) {
  self->mail(std::forward<M>(m)...).send(to);
}
template <class T, class... M>
void anon_tell(const T& to, M&&... m) {
  anon_mail(std::forward<M>(m)...).send(to);
}
template <class S, class T, class D, class... M>
auto ask(S* self, const T& to, D timeout, M&&... m) {
  return self->mail(std::forward<M>(m)...).request(to, timeout);
}

// ---------------------------------------------------------------- helpers
static int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}
static double secs(int64_t a, int64_t b) { return double(b - a) / 1e9; }
static void out(const char* name, double v, const char* unit) {
  std::printf("%s %.*f %s\n", name, v < 1 ? 6 : 3, v, unit);
  std::fflush(stdout);
}
static double rss() {
  long long size = 0, res = 0;
  std::ifstream f("/proc/self/statm");
  f >> size >> res;
  return double(res) * double(sysconf(_SC_PAGESIZE));
}
template <class T>
static double pct(const std::vector<T>& s, double p) {
  auto n = s.size();
  auto i = size_t(std::max(1.0, std::min(double(n), std::ceil(p / 100 * double(n)))));
  return double(s[i - 1]);
}
struct sig { // set once by an actor, waited for by main
  std::promise<int64_t> p;
  void set() { p.set_value(now_ns()); }
  int64_t wait() { return p.get_future().get(); }
};
static int cores = 2;
static void config(actor_system_config& c, int workers) { c.set("caf.scheduler.max-threads", workers); }

// ---------------------------------------------------------------- spawn
static std::atomic<int64_t> g_started{0}, g_stopped{0};
static behavior idle(event_based_actor* self) {
  g_started.fetch_add(1, std::memory_order_relaxed);
  return {[self](close_atom) {
    self->quit();
    g_stopped.fetch_add(1, std::memory_order_relaxed);
  }};
}
static void b_spawn() {
  constexpr int64_t n = 1000000;
  actor_system_config cfg;
  config(cfg, cores);
  actor_system sys{cfg};
  std::vector<actor> v; // an actor nobody references would end, so handles are kept (8 B each)
  v.reserve(n);
  auto spawner = sys.spawn([&](event_based_actor* self) -> behavior {
    return {[&, self](spawn_atom) {
              for (int64_t i = 0; i < n; ++i) v.push_back(self->spawn(idle));
            },
            [&, self](close_atom) {
              for (auto& a : v) tell(self, a, A(close));
              v.clear();
            }};
  });
  std::this_thread::sleep_for(100ms);
  auto r0 = rss();
  auto t0 = now_ns();
  anon_tell(spawner, A(spawn));
  while (g_started.load(std::memory_order_relaxed) < n) std::this_thread::sleep_for(200us);
  auto t1 = now_ns();
  std::this_thread::sleep_for(300ms);
  auto r1 = rss();
  out("spawn_rate", n / secs(t0, t1), "spawns/s");
  out("spawn_rss", (r1 - r0) / n, "bytes/proc");
  auto t2 = now_ns();
  anon_tell(spawner, A(close));
  while (sys.running_actors_count() > 1) std::this_thread::sleep_for(200us);
  auto t3 = now_ns();
  out("spawn_stop", n / secs(t2, t3), "stops/s");
  anon_send_exit(spawner, exit_reason::kill);
}

// ---------------------------------------------------------------- pingpong
static behavior ponger(event_based_actor* self) {
  return {[self](ping_atom, const actor& from) { tell(self, from, A(pong)); },
          [](ping_atom) { return A(pong); }};
}
static void b_pingpong(const char* name, int workers) {
  constexpr int64_t n = 2000000;
  actor_system_config cfg;
  config(cfg, workers);
  actor_system sys{cfg};
  sig begin, end;
  auto pong = sys.spawn(ponger);
  auto ping = sys.spawn([&](event_based_actor* self) -> behavior {
    return {[&, self](ok_atom) {
              begin.set();
              tell(self, pong, A(ping));
            },
            [&, self, left = n](pong_atom) mutable {
              if (--left == 0)
                end.set();
              else
                tell(self, pong, A(ping));
            }};
  });
  anon_tell(ping, A(ok));
  auto t0 = begin.wait(), t1 = end.wait();
  out(name, double(t1 - t0) / n, "ns/roundtrip");
  anon_send_exit(pong, exit_reason::kill);
  anon_send_exit(ping, exit_reason::kill);
}

// ---------------------------------------------------------------- ring
static void b_ring(const char* name, int workers) {
  constexpr int size = 503;
  constexpr int64_t hops = 5000000;
  actor_system_config cfg;
  config(cfg, workers);
  actor_system sys{cfg};
  sig end;
  std::vector<actor> ring;
  auto node = [&](event_based_actor* self, actor nxt) -> behavior {
    return {[&, self, next = std::move(nxt)](int64_t k) {
      if (k == 0)
        end.set();
      else
        tell(self, next, k - 1);
    }};
  };
  auto last = sys.spawn([&](event_based_actor* self) -> behavior {
    return {[&, self](const actor& first) {
      self->become([&, self, next = first](int64_t k) {
        if (k == 0)
          end.set();
        else
          tell(self, next, k - 1);
      });
    }};
  });
  ring.push_back(last);
  for (int i = 1; i < size; ++i) ring.push_back(sys.spawn(node, ring.back()));
  anon_tell(last, ring.back());
  std::this_thread::sleep_for(100ms);
  auto t0 = now_ns();
  anon_tell(ring.back(), int64_t{hops});
  out(name, hops / secs(t0, end.wait()), "hops/s");
  for (auto& a : ring) anon_send_exit(a, exit_reason::kill);
}

// ---------------------------------------------------------------- fan-in
static void b_fanin() {
  constexpr int s = 8;
  constexpr int64_t k = 500000;
  actor_system_config cfg;
  config(cfg, cores);
  actor_system sys{cfg};
  sig end;
  auto recv = sys.spawn([&](event_based_actor*) -> behavior {
    return {[&, left = s * k](int64_t) mutable {
      if (--left == 0) end.set();
    }};
  });
  std::vector<actor> ss;
  for (int i = 0; i < s; ++i)
    ss.push_back(sys.spawn([&](event_based_actor* self) -> behavior {
      return {[&, self](ok_atom) {
        for (int64_t j = k; j > 0; --j) tell(self, recv, j);
      }};
    }));
  std::this_thread::sleep_for(100ms);
  auto t0 = now_ns();
  for (auto& a : ss) anon_tell(a, A(ok));
  out("fanin", s * k / secs(t0, end.wait()), "msgs/s");
  for (auto& a : ss) anon_send_exit(a, exit_reason::kill);
  anon_send_exit(recv, exit_reason::kill);
}

// ---------------------------------------------------------------- request/response
static behavior counter(event_based_actor*) {
  return {[n = int64_t{0}](get_atom) mutable { return n++; }};
}
struct client_state {
  int64_t left = 0, a = 0;
  std::vector<int64_t> lat;
};
template <class D>
static void call_step(stateful_actor<client_state>* self, actor srv, D timeout, sig* end, bool lat) {
  auto& st = STATE(self);
  if (st.left-- == 0) {
    end->set();
    return;
  }
  if (lat) st.a = now_ns();
  ask(self, srv, timeout, A(get)).then([=](int64_t) {
    auto& s2 = STATE(self);
    if (lat) s2.lat.push_back(now_ns() - s2.a);
    call_step(self, srv, timeout, end, lat);
  });
}
template <class D>
static void calls(const char* base, int clients, int64_t n, D timeout, bool lat, int slice = 0,
                  int workers = 0) {
  actor_system_config cfg;
  config(cfg, workers ? workers : cores);
  if (slice) cfg.set("caf.scheduler.max-throughput", slice);
  actor_system sys{cfg};
  auto srv = sys.spawn(counter);
  std::vector<sig> ends(clients);
  std::vector<std::vector<int64_t>*> lats(clients);
  std::vector<actor> cs;
  for (int i = 0; i < clients; ++i)
    cs.push_back(sys.spawn([&, i](stateful_actor<client_state>* self) -> behavior {
      STATE(self).lat.reserve(n);
      lats[i] = &STATE(self).lat;
      return {[&, self, i](ok_atom) {
        STATE(self).left = n;
        call_step(self, srv, timeout, &ends[i], lat);
      }};
    }));
  std::this_thread::sleep_for(100ms);
  auto t0 = now_ns();
  for (auto& c : cs) anon_tell(c, A(ok));
  int64_t t1 = 0;
  for (auto& e : ends) t1 = std::max(t1, e.wait());
  out(base, clients * n / secs(t0, t1), "calls/s");
  if (lat) {
    std::vector<int64_t> all;
    for (auto* l : lats) all.insert(all.end(), l->begin(), l->end());
    std::sort(all.begin(), all.end());
    out((std::string(base) + "_p50").c_str(), pct(all, 50) / 1e3, "us");
    out((std::string(base) + "_p99").c_str(), pct(all, 99) / 1e3, "us");
    out((std::string(base) + "_p999").c_str(), pct(all, 99.9) / 1e3, "us");
    out((std::string(base) + "_max").c_str(), pct(all, 100) / 1e3, "us");
  }
  for (auto& c : cs) anon_send_exit(c, exit_reason::kill);
  anon_send_exit(srv, exit_reason::kill);
}

// ---------------------------------------------------------------- big
static void b_big() {
  constexpr int n = 1000;
  actor_system_config cfg;
  config(cfg, cores);
  actor_system sys{cfg};
  std::vector<actor> ps;
  std::atomic<int> done{0};
  sig end;
  for (int i = 0; i < n; ++i)
    ps.push_back(sys.spawn([&](event_based_actor* self) -> behavior {
      return {[&, self](ok_atom) {
                for (auto& p : ps)
                  if (p != self) tell(self, p, A(ping));
              },
              [](ping_atom) { return A(pong); },
              [&, left = n - 1](pong_atom) mutable {
                if (--left == 0 && ++done == n) end.set();
              }};
    }));
  std::this_thread::sleep_for(100ms);
  auto t0 = now_ns();
  for (auto& p : ps) anon_tell(p, A(ok));
  out("big", 2.0 * n * (n - 1) / secs(t0, end.wait()), "msgs/s");
  for (auto& p : ps) anon_send_exit(p, exit_reason::kill);
}

// ---------------------------------------------------------------- "supervisor": monitor + respawn
static behavior victim(event_based_actor*, const actor&) {
  return {[](ok_atom) {}};
}
static void start_victim(event_based_actor* self, const actor& driver) {
  auto child = self->spawn(victim, driver);
  self->monitor(child, [self, driver](const error&) { start_victim(self, driver); });
  self->system().registry().put("victim", child);
  tell(self, driver, A(ok), child); // registered
}
static void b_restart() {
  constexpr int64_t run_for = 1'500'000'000;
  actor_system_config cfg;
  config(cfg, cores);
  actor_system sys{cfg};
  std::vector<int64_t> lat;
  sig begin, end;
  auto driver = sys.spawn([&](event_based_actor* self) -> behavior {
    return {[&, self, a = int64_t{0}, first = int64_t{0}](ok_atom, const actor& child) mutable {
      auto b = now_ns();
      if (a == 0) {
        begin.set();
        first = b;
      } else {
        lat.push_back(b - a);
      }
      if (b - first >= run_for) {
        end.set();
        return;
      }
      a = b;
      self->send_exit(child, exit_reason::kill);
    }};
  });
  auto sup = sys.spawn([&](event_based_actor* self) -> behavior {
    start_victim(self, driver);
    return {[](pong_atom) {}};
  });
  auto t0 = begin.wait(), t1 = end.wait();
  auto n = double(lat.size());
  out("restart_rate", n / secs(t0, t1), "restarts/s");
  auto first = std::accumulate(lat.begin(), lat.begin() + 1000, int64_t{0});
  auto last = std::accumulate(lat.end() - 1000, lat.end(), int64_t{0});
  auto sum = std::accumulate(lat.begin(), lat.end(), int64_t{0});
  std::sort(lat.begin(), lat.end());
  out("restart_mean", double(sum) / n / 1e3, "us");
  out("restart_mean_first1k", double(first) / 1000 / 1e3, "us");
  out("restart_mean_last1k", double(last) / 1000 / 1e3, "us");
  out("restart_p99", pct(lat, 99) / 1e3, "us");
  std::fflush(stdout);
  _exit(0);
}

// ---------------------------------------------------------------- timers
static void b_timers() {
  constexpr int64_t n = 1000000;
  actor_system_config cfg;
  config(cfg, cores);
  actor_system sys{cfg};
  std::mt19937 rng{42};
  std::uniform_int_distribution<int> dist{0, 10000};
  std::vector<int> ds(n);
  for (auto& d : ds) d = dist(rng);
  std::vector<int64_t> lat;
  lat.reserve(n);
  sig i0, i1, fired, c0, c1;
  auto recv = sys.spawn([&](event_based_actor*) -> behavior {
    return {[&](int64_t due) {
      lat.push_back(now_ns() - due);
      if (int64_t(lat.size()) == n) fired.set();
    }};
  });
  auto ins = sys.spawn([&](event_based_actor* self) -> behavior {
    return {[&, self](ok_atom) {
              i0.set();
              for (auto d : ds) {
                int64_t due = now_ns() + int64_t{d} * 1000000;
                self->mail(due).delay(std::chrono::milliseconds(d)).send(recv);
              }
              i1.set();
            },
            [&, self](close_atom) {
              std::vector<disposable> hs;
              hs.reserve(n);
              for (auto d : ds)
                hs.push_back(self->mail(int64_t{1}).delay(std::chrono::milliseconds(d + 10000)).send(self));
              c0.set();
              for (auto& h : hs) h.dispose();
              c1.set();
            },
            [](int64_t) {}};
  });
  anon_tell(ins, A(ok));
  auto a = i0.wait(), b = i1.wait();
  out("timers_insert", n / secs(a, b), "timers/s");
  fired.wait();
  std::sort(lat.begin(), lat.end());
  out("timers_late_p50", pct(lat, 50) / 1e6, "ms");
  out("timers_late_p99", pct(lat, 99) / 1e6, "ms");
  out("timers_late_max", pct(lat, 100) / 1e6, "ms");
  anon_tell(ins, A(close));
  auto c = c0.wait(), d = c1.wait();
  out("timers_cancel", n / secs(c, d), "timers/s");
  std::fflush(stdout);
  _exit(0); // disposed timers stay queued in CAF's clock until they expire
}

// ---------------------------------------------------------------- hog fairness
// hogs end by themselves 10 s after the start: CAF workers are cooperative
static std::atomic<uint64_t> g_sink{0};
static void b_hog(bool det) {
  actor_system_config cfg;
  config(cfg, cores);
  actor_system sys{cfg};
  std::vector<int64_t> lat;
  sig end;
  auto stop_at = now_ns() + 10000000000;
  for (int i = 0; i < 2 * cores; ++i) {
    auto hog = [=](event_based_actor* self) -> behavior {
      return {[=](ok_atom) {
        uint64_t x = i;
        while (now_ns() < stop_at)
          for (int j = 0; j < 100000; ++j) x = (x * 1103515245 + 12345) & 0x7fffffff;
        g_sink += x;
        self->quit();
      }};
    };
    anon_tell(det ? sys.spawn<detached>(hog) : sys.spawn(hog), A(ok));
  }
  std::this_thread::sleep_for(100ms);
  auto pong = sys.spawn(ponger);
  auto t0 = now_ns();
  auto ping = sys.spawn([&](event_based_actor* self) -> behavior {
    auto a = std::make_shared<int64_t>(t0); // the first round trip counts from here
    return {[&, self](ok_atom) { tell(self, pong, A(ping)); },
            [&, self, a](pong_atom) {
              auto b = now_ns();
              lat.push_back(b - *a);
              if (b >= t0 + 5000000000) {
                end.set();
                return;
              }
              *a = now_ns();
              tell(self, pong, A(ping));
            }};
  });
  anon_tell(ping, A(ok));
  end.wait();
  std::sort(lat.begin(), lat.end());
  std::string p = det ? "hog_detached" : "hog";
  out((p + "_roundtrips").c_str(), double(lat.size()), "in_5s");
  out((p + "_p50").c_str(), pct(lat, 50) / 1e6, "ms");
  out((p + "_p99").c_str(), pct(lat, 99) / 1e6, "ms");
  out((p + "_max").c_str(), pct(lat, 100) / 1e6, "ms");
  auto slow = std::upper_bound(lat.begin(), lat.end(), int64_t{5'000'000});
  out((p + "_over_5ms").c_str(), double(std::accumulate(slow, lat.end(), int64_t{0})) / 5e7, "%");
  std::fflush(stdout);
  _exit(0);
}

int main(int argc, char** argv) {
  core::init_global_meta_objects();
  std::string w = argc > 1 ? argv[1] : "";
  if (auto* c = std::getenv("RTB_CORES")) cores = std::atoi(c);
  if (w == "spawn")
    b_spawn();
  else if (w == "pingpong")
    b_pingpong("pingpong", cores);
  else if (w == "pingpong_1w")
    b_pingpong("pingpong_1w", 1);
  else if (w == "ring")
    b_ring("ring", cores);
  else if (w == "ring_1w")
    b_ring("ring_1w", 1);
  else if (w == "fanin")
    b_fanin();
  else if (w == "call1") {
    calls("call1", 1, 500000, std::chrono::seconds(5), false);
    calls("call1_notimeout", 1, 500000, infinite, false);
  } else if (w == "call1_1w") {
    calls("call1_1w", 1, 500000, std::chrono::seconds(5), false, 0, 1);
    calls("call1_notimeout_1w", 1, 500000, infinite, false, 0, 1);
  } else if (w == "call64") {
    calls("call64", 64, 10000, std::chrono::seconds(5), true);
    calls("call64_notimeout", 64, 10000, infinite, true);
    // CAF's default lets one actor run until its mailbox is empty; here at most 100 messages a turn
    calls("call64_slice100", 64, 10000, infinite, true, 100);
  } else if (w == "big")
    b_big();
  else if (w == "restart")
    b_restart();
  else if (w == "timers")
    b_timers();
  else if (w == "hog")
    b_hog(false);
  else if (w == "hog_detached")
    b_hog(true);
  else {
    std::fprintf(stderr, "no workload %s\n", w.c_str());
    return 3;
  }
}
