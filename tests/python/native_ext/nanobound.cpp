/* Functions and methods of nanobind. */
#include <nanobind/nanobind.h>

namespace nb = nanobind;

struct Adder {
    int add(int x) { return x + 1; }
};

NB_MODULE(nanobound, module)
{
    module.def("add", [](int x) { return x + 1; }, nb::arg("x"));
    module.def("apply", [](const nb::callable &function) { return function(); });
    module.def("fail", []() { throw nb::value_error("x"); });
    nb::class_<Adder>(module, "Adder")
        .def(nb::init<>())
        .def("add", &Adder::add)
        .def("__call__", &Adder::add)
        .def_static("of", [](int x) { return x; });
}
