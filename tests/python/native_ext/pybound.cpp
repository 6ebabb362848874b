/* Functions and methods of pybind11. */
#include <pybind11/functional.h>
#include <pybind11/pybind11.h>

namespace py = pybind11;

struct Adder {
    int add(int x) { return x + 1; }
};

PYBIND11_MODULE(pybound, module)
{
    module.def("add", [](int x) { return x + 1; }, py::arg("x"));
    module.def("apply", [](const py::function &function) { return function(); });
    module.def("fail", []() { throw py::value_error("x"); });
    module.def("make",
               [](int by) -> std::function<int(int)> { return [by](int x) { return x + by; }; });
    py::class_<Adder>(module, "Adder")
        .def(py::init<>())
        .def("add", &Adder::add)
        .def("add", [](Adder &, const py::str &) { return 0; })
        .def("__call__", &Adder::add)
        .def_static("of", [](int x) { return x; });
    py::class_<std::string>(module, "Other").def(py::init<>()).def("add", [](std::string &, int x) {
        return x;
    });
}
