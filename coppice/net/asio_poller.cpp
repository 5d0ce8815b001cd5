// All of Asio that Coppice's own sockets use: an io_context a core, and waits for readiness.
#include "coppice/net/asio_poller.hpp"

#include "coppice/net/detail/registration.hpp"
#include "coppice/net/socket.hpp"
#include "coppice/net/use_process.hpp"
#include "coppice/runtime/detail/allocate.hpp"
#include "coppice/runtime/detail/machine.hpp"

#include <array>
#include <atomic>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <stdexcept>

namespace coppice::net {
namespace {

namespace asio = boost::asio;
using boost_error = boost::system::error_code;
using alarm_clock =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>,
                               asio::io_context::executor_type>;
using descriptor_on_context = asio::posix::basic_stream_descriptor<asio::io_context::executor_type>;

class asio_poller final : public poller {
public:
  asio_poller()
      : context_(std::make_shared<detail::core_context>()), work_(context_->get_executor()),
        alarm_(*context_) {}
  asio_poller(const asio_poller&) = delete;
  asio_poller& operator=(const asio_poller&) = delete;
  ~asio_poller() override { context_->close(); }

  void wait(std::optional<time_point> until) override {
    if (until) set_alarm(*until);
    context_->run_one();
    context_->poll();
  }
  void poll() override { context_->poll(); }
  void wake() override {
    if (waking_.exchange(true, std::memory_order_acq_rel)) return; // that one will do
    asio::post(*context_, [this] { waking_.store(false, std::memory_order_release); });
  }

  [[nodiscard]] const detail::shared_context& context() const noexcept { return context_; }

private:
  /// An alarm that goes off too early does no harm: the core looks and sleeps on. So it only ever moves
  /// nearer, and most waits need not touch it.
  void set_alarm(time_point until) {
    if (set_ && set_for_ <= until) return;
    set_ = true;
    set_for_ = until;
    alarm_.expires_at(until);
    alarm_.async_wait([this](const boost_error& error) {
      if (!error) set_ = false;
    });
  }

  detail::shared_context context_; // shared: sockets may outlive their node
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  alarm_clock alarm_;
  time_point set_for_{};
  bool set_ = false;
  std::atomic<bool> waking_{false};
};

/// The one allocator of frames, for Asio's operations.
template <class T>
struct operation_allocator {
  using value_type = T;
  operation_allocator() noexcept = default;
  template <class U>
  explicit operation_allocator(const operation_allocator<U>&) noexcept {}
  T* allocate(std::size_t n) { return static_cast<T*>(coppice::detail::allocate(n * sizeof(T))); }
  void deallocate(T* block, std::size_t n) noexcept { coppice::detail::deallocate(block, n * sizeof(T)); }
  template <class U>
  bool operator==(const operation_allocator<U>&) const noexcept {
    return true;
  }
};

/// The waits on one descriptor; shared with the operations under way, which hold nothing else.
struct waits {
  static constexpr std::uint64_t none = 0;                 ///< no operation under way
  static constexpr std::uint64_t nobody = ~none;           ///< an operation under way for which nobody waits
  static constexpr std::uint64_t by_message = 1ULL << 63U; ///< what remains is a socket's id, not a tag

  struct wait {
    std::atomic<std::uint64_t> whom{none};
    std::atomic<std::uint64_t> process{0};
  };

  explicit waits(coppice::node& node) noexcept : home(node) {}

  void ready(detail::direction d) {
    wait& w = of[static_cast<std::size_t>(d)];
    std::uint64_t whom = w.whom.exchange(none, std::memory_order_acq_rel);
    if (whom == none || whom == nobody) return;
    pid to{w.process.load(std::memory_order_relaxed)};
    if ((whom & by_message) != 0) {
      const std::uint64_t socket = whom & ~by_message;
      coppice::detail::deliver(home, to,
                               d == detail::direction::read
                                   ? coppice::detail::make_message<readable>(socket)
                                   : coppice::detail::make_message<writable>(socket));
    } else {
      coppice::detail::complete(home, to, whom, coppice::detail::make_message<detail::became_ready>());
    }
  }

  coppice::node& home;
  std::array<wait, 2> of;
};

class on_ready {
public:
  using allocator_type = operation_allocator<void>;
  on_ready(std::shared_ptr<waits> all, detail::direction d) noexcept : all_(std::move(all)), direction_(d) {}
  void operator()(const boost_error& error) const {
    // Cancelled: the registration is gone, and perhaps the node; nobody waits.
    if (error != asio::error::operation_aborted) all_->ready(direction_);
  }
  [[nodiscard]] allocator_type get_allocator() const noexcept { return {}; }

private:
  std::shared_ptr<waits> all_;
  detail::direction direction_;
};

asio_poller& poller_of_this_core(coppice::detail::process_block& p) {
  coppice::detail::machine& m = coppice::detail::machine_of(p);
  coppice::detail::worker* w = coppice::detail::current().thread;
  coppice::detail::core* on = w == nullptr ? nullptr : w->on;
  if (on != nullptr && p.pinned.load(std::memory_order_relaxed) < 0) {
    p.pinned.store(static_cast<std::int16_t>(on->index), std::memory_order_relaxed);
  }
  if (on == nullptr)
    on = m.cores[0].get(); // a revoked worker: any core's poller is right, if not the nearest
  auto* found = dynamic_cast<asio_poller*>(on->sleeper.get());
  if (found == nullptr) {
    throw std::logic_error("coppice::net: this node cannot wait for sockets; give it "
                           "node_options::make_poller = net::make_poller()");
  }
  return *found;
}

} // namespace

poller_factory make_poller() {
  return [] { return std::make_unique<asio_poller>(); };
}

namespace detail {

shared_context process_context() {
  coppice::detail::runtime_section section;
  return poller_of_this_core(coppice::detail::running_process()).context();
}

struct registration::impl {
  impl(coppice::detail::process_block& p, asio_poller& on, int fd)
      : context(on.context()), all(std::allocate_shared<waits>(operation_allocator<waits>(), *p.home)),
        descriptor(*context, fd) {}
  ~impl() { descriptor.release(); } // takes it out of the epoll set: a duplicate may keep the file open

  /// Notes who waits; starts an operation unless one is under way.
  void wait_for(direction d, coppice::detail::process_block& p, std::uint64_t whom) {
    waits::wait& w = all->of[static_cast<std::size_t>(d)];
    w.process.store(p.self().id, std::memory_order_relaxed);
    if (w.whom.exchange(whom, std::memory_order_acq_rel) != waits::none) return;
    using base = asio::posix::descriptor_base;
    descriptor.async_wait(d == direction::read ? base::wait_read : base::wait_write, on_ready(all, d));
  }

  shared_context context;
  std::shared_ptr<waits> all;
  descriptor_on_context descriptor;
};

registration::registration(int descriptor) {
  coppice::detail::runtime_section section;
  coppice::detail::process_block& p = coppice::detail::running_process();
  impl_ = std::make_unique<impl>(p, poller_of_this_core(p), descriptor);
}
registration::~registration() = default;

void registration::complete_when(direction d, coppice::detail::process_block& p, std::uint64_t tag) {
  impl_->wait_for(d, p, tag);
}

void registration::tell_when(direction d, coppice::detail::process_block& p, std::uint64_t socket) {
  coppice::detail::runtime_section section;
  impl_->wait_for(d, p, socket | waits::by_message);
}

void registration::forget(direction d) noexcept {
  std::atomic<std::uint64_t>& whom = impl_->all->of[static_cast<std::size_t>(d)].whom;
  std::uint64_t seen = whom.load(std::memory_order_relaxed);
  while (seen != waits::none && !whom.compare_exchange_weak(seen, waits::nobody, std::memory_order_acq_rel,
                                                            std::memory_order_relaxed)) {
  }
}

void pin_to_core(unsigned core) noexcept {
  coppice::detail::running_process().pinned.store(static_cast<std::int16_t>(core), std::memory_order_relaxed);
}

} // namespace detail
} // namespace coppice::net
