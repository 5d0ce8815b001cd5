// What the canaries share: a minimal lazy task, and a value that knows whether it was destroyed as often as
// made.
#pragma once
#include <coroutine>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <set>
#include <utility>

// Every live object is on a list by its address. A compiler that copies one by its bytes, or destroys one
// twice, destroys an address that is not on the list; that is counted instead of being undefined behaviour.
class counted {
public:
  explicit counted(int value) : value_(value) { live().insert(this); }
  counted(const counted& other) : value_(other.value_) { live().insert(this); }
  counted& operator=(const counted&) = default;
  ~counted() {
    if (live().erase(this) == 0) ++strays();
  }

  int value() const { return value_; }
  static bool balanced() { return live().empty() && strays() == 0; }

private:
  static std::set<const counted*>& live() {
    static std::set<const counted*> objects;
    return objects;
  }
  static int& strays() {
    static int count = 0;
    return count;
  }

  int value_;
};

template <class T>
class task {
public:
  struct promise_type;
  using handle = std::coroutine_handle<promise_type>;

  struct resume_waiting {
    resume_waiting() {}
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(handle h) const noexcept { return h.promise().waiting; }
    void await_resume() const noexcept {}
  };

  struct promise_type {
    std::optional<T> result;
    std::coroutine_handle<> waiting = std::noop_coroutine();

    task get_return_object() { return task(handle::from_promise(*this)); }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    resume_waiting final_suspend() const noexcept { return resume_waiting(); }
    void return_value(T value) { result.emplace(std::move(value)); }
    void unhandled_exception() { std::terminate(); }
  };

  explicit task(handle h) : handle_(h) {}
  task(task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  ~task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) noexcept {
    handle_.promise().waiting = waiting;
    return handle_;
  }
  T await_resume() { return std::move(*handle_.promise().result); }

  // Runs a task that nobody awaits. Gives nothing if it stopped half-way.
  std::optional<T> run() {
    handle_.resume();
    return handle_.done() ? handle_.promise().result : std::nullopt;
  }

private:
  handle handle_;
};

// Runs a scenario and ends the program: well, if it gave what it should and all it made is destroyed once.
[[noreturn]] inline void expect(task<int> (*scenario)(), int expected) {
  std::optional<int> result = scenario().run();
  std::exit(result == expected && counted::balanced() ? EXIT_SUCCESS : EXIT_FAILURE);
}
