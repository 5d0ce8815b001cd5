// A growing ring: a double-ended queue that owns no memory until something is put in it (std::deque of
// libstdc++ allocates some 600 bytes when made, too much for a process that rarely queues anything).
#pragma once

#include <cassert>
#include <cstddef>
#include <memory>
#include <utility>

namespace coppice::detail {

/// Amortised O(1) at both ends; never shrinks but in `release`.
template <class T>
class ring {
public:
  ring() noexcept = default;
  ring(ring&& other) noexcept { swap(other); }
  ring& operator=(ring&& other) noexcept {
    ring taken(std::move(other));
    swap(taken);
    return *this;
  }
  ring(const ring&) = delete;
  ring& operator=(const ring&) = delete;
  ~ring() { release(); }

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  /// The i-th element from the front; i < size().
  [[nodiscard]] T& operator[](std::size_t i) noexcept { return *slot(i); }
  [[nodiscard]] const T& operator[](std::size_t i) const noexcept { return *slot(i); }
  [[nodiscard]] T& front() noexcept { return *slot(0); }
  [[nodiscard]] T& back() noexcept { return *slot(size_ - 1); }

  void push_back(T value) {
    if (size_ == capacity_) grow();
    std::construct_at(slot(size_), std::move(value));
    ++size_;
  }
  void push_front(T value) {
    if (size_ == capacity_) grow();
    head_ = (head_ + capacity_ - 1) & (capacity_ - 1);
    std::construct_at(slot(0), std::move(value));
    ++size_;
  }
  T pop_front() {
    assert(size_ != 0);
    T value = std::move(front());
    std::destroy_at(slot(0));
    head_ = (head_ + 1) & (capacity_ - 1);
    --size_;
    return value;
  }
  T pop_back() {
    assert(size_ != 0);
    T value = std::move(back());
    std::destroy_at(slot(size_ - 1));
    --size_;
    return value;
  }
  void clear() noexcept {
    while (size_ != 0) std::destroy_at(slot(--size_));
    head_ = 0;
  }
  /// Empties the ring and gives its memory back.
  void release() noexcept {
    clear();
    if (data_ != nullptr) std::allocator<T>().deallocate(data_, capacity_);
    data_ = nullptr;
    capacity_ = 0;
  }
  void swap(ring& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
    std::swap(head_, other.head_);
    std::swap(size_, other.size_);
  }

private:
  [[nodiscard]] T* slot(std::size_t i) const noexcept { return data_ + ((head_ + i) & (capacity_ - 1)); }

  void grow() { // capacity is a power of two, so that slot() masks instead of dividing
    std::size_t bigger = capacity_ == 0 ? 4 : capacity_ * 2;
    T* fresh = std::allocator<T>().allocate(bigger);
    for (std::size_t i = 0; i < size_; ++i) {
      std::construct_at(fresh + i, std::move(*slot(i)));
      std::destroy_at(slot(i));
    }
    if (data_ != nullptr) std::allocator<T>().deallocate(data_, capacity_);
    data_ = fresh;
    capacity_ = bigger;
    head_ = 0;
  }

  T* data_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

} // namespace coppice::detail
