// Which process runs a user's class: so that one `start_link<S>` and one child specification serve every
// behaviour.
#pragma once

namespace coppice::detail {

/// Specialised by each behaviour for the classes of its kind, with one member type, `process`: a gen_process
/// with `static std::unique_ptr<gen_process> make(arguments of S...)`.
template <class S>
struct behaviour_of;

} // namespace coppice::detail
