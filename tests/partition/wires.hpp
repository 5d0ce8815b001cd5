// Machines with wires between them that can be cut: network namespaces of the kernel, joined by veth pairs,
// with the faults made by nft. All of it belongs to the test's own user and network namespace and ends with
// it.
#pragma once

#include <string>
#include <vector>

namespace coppice::partition {

/// Takes the test into namespaces of its own, where it may make more. Throws a std::runtime_error that says
/// what the machine lacks. Once; before there are threads.
void enter_own_network();

/// A network namespace.
class machine {
public:
  /// `number`: the last part of its address, 1 to 254.
  machine(std::string name, int number);
  ~machine();
  machine(const machine&) = delete;
  machine& operator=(const machine&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::string address() const { return "10.7.0." + std::to_string(number_); }
  /// The path of its namespace for this process and those that it starts.
  [[nodiscard]] std::string path() const;
  /// The command as one that runs there.
  [[nodiscard]] std::vector<std::string> here(std::vector<std::string> command) const;
  /// Runs it there to its end; throws if it fails.
  void run(std::vector<std::string> command) const;

private:
  std::string name_;
  int number_;
  int namespace_;
};

/// A wire between two machines. Faults are in the receiver's ears: who sends does not notice.
class wire {
public:
  wire(const machine& one, const machine& other);

  /// Nothing gets through either way.
  void cut();
  /// Nothing gets through to that machine.
  void cut_to(const machine& deaf);
  /// Of a hundred packets so many are lost, by chance. With more than a fifth lost on the way there and back
  /// some runs stand still for a minute: the system waits twice as long after each time that it sends in
  /// vain.
  void lose(int to_one, int to_other);
  /// All gets through.
  void heal();

private:
  void hears(const machine& who, const machine& from, const std::string& fault) const;

  const machine& one_;
  const machine& other_;
};

} // namespace coppice::partition
