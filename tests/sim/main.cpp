// coppice_sim: plays scenarios under seeds, as many as wanted. `./dev sim` builds and runs it.
#include "coppice/sim/program.hpp"
#include "tests/sim/chat_scenario.hpp"

int main(int argc, char** argv) { return coppice::sim::program(coppice::sim::all_scenarios(), argc, argv); }
