// A financial system: each transaction is a state machine of its own; the accounts are one server.
#include <coppice/coppice.hpp>

#include <map>
#include <string>

using namespace coppice;
using namespace std::chrono_literals;

struct insufficient_funds {};
struct no_account {};
using booked = std::variant<std::int64_t, insufficient_funds, no_account>; // the new balance, in cents

struct book {
  std::string account;
  std::int64_t amount;
};

class accounts : public gen_server {
public:
  using protocol = coppice::protocol<calls<book, booked>>;

  booked handle_call(const book& b) {
    if (b.amount == 0) throw std::invalid_argument("a booking of nothing");
    auto found = balances_.find(b.account);
    if (found == balances_.end()) return no_account();
    if (found->second + b.amount < 0) return insufficient_funds();
    return found->second += b.amount;
  }

private:
  std::map<std::string, std::int64_t> balances_{{"alice", 10000}, {"bob", 500}};
};

struct committed {
  std::int64_t balance;
};
struct failed {
  std::string why;
};
using outcome = std::variant<committed, failed>;

struct process_transaction {
  std::string account;
  std::int64_t amount;
};
struct give_up {};

enum class step { idle, validating, done };

// idle --process_transaction--> validating --the accounts answer, or time is up--> done
class transaction : public gen_statem {
public:
  using state = step;
  using protocol = coppice::protocol<calls<process_transaction, outcome>, events<book>, events<give_up>>;

  step init() { return step::idle; }

  next<step> handle_event(step now, const process_transaction& t, reply_to<outcome>& who) {
    if (now != step::idle) return keep_state().reply(who, outcome(failed{"one transaction, one process"}));
    client_ = std::move(who);
    return next_state(step::validating).state_timeout(1s, give_up()).next_event(book{t.account, t.amount});
  }
  task<next<step>> handle_event(step, book b) {
    auto answer = co_await try_call<book>(server_ref<accounts>("accounts"), b);
    client_.reply(answer ? result_of(*answer) : outcome(failed{answer.error().to_string()}));
    co_return next_state(step::done);
  }
  next<step> handle_event(step, give_up) {
    client_.reply(outcome(failed{"timeout"}));
    return next_state(step::done);
  }

private:
  static outcome result_of(const booked& b) {
    if (const auto* balance = std::get_if<std::int64_t>(&b)) return committed{*balance};
    return failed{std::holds_alternative<no_account>(b) ? "no_account" : "insufficient_funds"};
  }
  reply_to<outcome> client_;
};

class bank_sup : public supervisor {
public:
  [[nodiscard]] std::vector<child_spec> children() const {
    return {child<accounts>("accounts", local("accounts"))};
  }
};

task<std::string> transact(std::string account, std::int64_t amount) {
  auto t = co_await start_link<transaction>();
  outcome result = co_await call<process_transaction>(*t, account, amount);
  co_await stop(t->name());
  if (const auto* c = std::get_if<committed>(&result)) co_return fmt::format("committed {}", c->balance);
  co_return "failed: " + std::get<failed>(result).why;
}

task<int> demo(self) {
  auto sup = co_await start_link<bank_sup>();
  std::string deposit = co_await transact("alice", 2500);
  std::string overdraft = co_await transact("bob", -501);
  std::string nobody = co_await transact("carol", 1);
  fmt::print("alice: {}\nbob: {}\ncarol: {}\n", deposit, overdraft, nobody);

  std::string crashed = co_await transact("alice", 0);
  fmt::print("alice: {}\n", crashed);
  co_await count_children(*sup); // answered when the accounts are back
  std::string after = co_await transact("bob", -500);
  fmt::print("bob: {}\n", after);
  co_return deposit == "committed 12500" && overdraft == "failed: insufficient_funds" &&
          nobody == "failed: no_account" && crashed.starts_with("failed: {'std::invalid_argument'") &&
          after == "committed 0"
      ? 0
      : 1;
}

int main() {
  node n;
  return n.run(demo);
}
