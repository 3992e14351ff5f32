// window.h - a write window (interpose/window.h) as long as its object lives, for code that is compiled without the pass.
#ifndef PRS_CXX_WINDOW_H
#define PRS_CXX_WINDOW_H

extern "C" {
#include "../interpose/window.h"
}

namespace prs_cxx {

class Window {
public:
    template <class Type> explicit Window(Type *place) { prs_window_open(&window, place, sizeof *place); }
    template <class Type> Window(Type *start, const Type *end)
    {
        prs_window_open(&window, start, end > start ? static_cast<uint64_t>(end - start) * sizeof *start : 0);
    }
    Window(const Window &) = delete;
    Window &operator=(const Window &) = delete;
    ~Window() { prs_window_close(&window); }

private:
    prs_window window;
};

} // namespace prs_cxx

#endif
