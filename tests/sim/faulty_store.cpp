#include "tests/sim/faulty_store.hpp"

#include <utility>

namespace coppice::sim {
namespace {

using store::error_kind;
using store::failure;

class faulty_connection final : public store::detail::connection {
public:
  faulty_connection(std::unique_ptr<connection> sound, disk d)
      : sound_(std::move(sound)), disk_(std::move(d)) {}

  void begin(bool writes) override {
    if (happens(disk_fault::busy)) throw failure(error_kind::busy, "the disk is busy");
    sound_->begin(writes);
    writes_ = writes;
  }
  void commit() override {
    if (writes_ && happens(disk_fault::not_written)) {
      sound_->roll_back();
      throw failure(error_kind::io, "the disk does not write");
    }
    sound_->commit();
    if (writes_ && happens(disk_fault::not_heard)) {
      throw failure(store::error(error_kind::io, "the disk does not answer", true));
    }
  }
  void roll_back() noexcept override { sound_->roll_back(); }
  void begin_part() override { sound_->begin_part(); }
  void end_part() override { sound_->end_part(); }
  void undo_part() override { sound_->undo_part(); }
  [[nodiscard]] std::size_t most_parts() const noexcept override { return sound_->most_parts(); }
  [[nodiscard]] bool in_transaction() const noexcept override { return sound_->in_transaction(); }
  [[nodiscard]] bool usable() const noexcept override { return sound_->usable(); }
  std::int64_t run(std::string_view sql, std::span<const store::parameter> parameters,
                   store::rows* result) override {
    if (sound_->in_transaction() && happens(disk_fault::statement)) {
      sound_->roll_back();
      throw failure(error_kind::full, "the disk is full");
    }
    return sound_->run(sql, parameters, result);
  }
  void run_script(const std::string& sql) override { sound_->run_script(sql); }
  void lock_schema() override { sound_->lock_schema(); }
  [[nodiscard]] std::string_view word(std::string_view name) const noexcept override {
    return sound_->word(name);
  }
  void back_up(const std::string& path) override { sound_->back_up(path); }

private:
  bool happens(disk_fault what) { return disk_(what) == what; }

  std::unique_ptr<connection> sound_;
  disk disk_;
  bool writes_ = false;
};

} // namespace

std::unique_ptr<store::detail::connection> on_faulty_disk(std::unique_ptr<store::detail::connection> sound,
                                                          disk d) {
  return std::make_unique<faulty_connection>(std::move(sound), std::move(d));
}

} // namespace coppice::sim
