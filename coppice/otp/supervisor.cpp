#include "coppice/otp/supervisor.hpp"

namespace coppice {

supervisor_call<ok> terminate_child(supervisor_address sup, child_id id) {
  return {std::move(sup), detail::asked::terminate_child{std::move(id)}};
}

supervisor_call<pid> restart_child(supervisor_address sup, child_id id) {
  return {std::move(sup), detail::asked::restart_child{std::move(id)}};
}

supervisor_call<ok> delete_child(supervisor_address sup, child_id id) {
  return {std::move(sup), detail::asked::delete_child{std::move(id)}};
}

supervisor_call<std::vector<child_info>> which_children(supervisor_address sup, std::size_t limit) {
  if (limit == SIZE_MAX) return {std::move(sup), detail::asked::which_children()};
  return {std::move(sup), detail::asked::which_children_limit{limit}};
}

supervisor_call<child_counts> count_children(supervisor_address sup) {
  return {std::move(sup), detail::asked::count_children()};
}

supervisor_call<child_spec> get_childspec(supervisor_address sup, child_id id) {
  return {std::move(sup), detail::asked::get_childspec{std::move(id)}};
}

} // namespace coppice
