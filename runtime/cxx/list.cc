// list.cc - the links of std::list: what libstdc++ does out of line to the program's nodes. Compiled with the pass.
#include <list>

namespace std::__detail {

void _List_node_base::_M_hook(_List_node_base *const next) noexcept
{
    _M_prev = next->_M_prev;
    _M_next = next;
    _M_prev->_M_next = next->_M_prev = this;
}

void _List_node_base::_M_unhook() noexcept
{
    _M_prev->_M_next = _M_next;
    _M_next->_M_prev = _M_prev;
}

/* [first, last) leaves its list and comes in front of this node. */
void _List_node_base::_M_transfer(_List_node_base *const first, _List_node_base *const last) noexcept
{
    if (this == last || first == last)
        return;
    _List_node_base *const end = last->_M_prev, *const before = _M_prev;
    first->_M_prev->_M_next = last;
    last->_M_prev = first->_M_prev;
    before->_M_next = first;
    first->_M_prev = before;
    end->_M_next = this;
    _M_prev = end;
}

void _List_node_base::_M_reverse() noexcept
{
    _List_node_base *node = this;
    do {
        _List_node_base *const next = node->_M_next;
        node->_M_next = node->_M_prev;
        node->_M_prev = next;
        node = next;
    } while (node != this);
}

/* Two lists by their heads, each perhaps empty (then it points at itself). */
void _List_node_base::swap(_List_node_base &one, _List_node_base &other) noexcept
{
    const _List_node_base was = one;
    const bool oneIsEmpty = one._M_next == &one, otherIsEmpty = other._M_next == &other;
    one._M_next = otherIsEmpty ? &one : other._M_next;
    one._M_prev = otherIsEmpty ? &one : other._M_prev;
    other._M_next = oneIsEmpty ? &other : was._M_next;
    other._M_prev = oneIsEmpty ? &other : was._M_prev;
    one._M_next->_M_prev = one._M_prev->_M_next = &one;
    other._M_next->_M_prev = other._M_prev->_M_next = &other;
}

} // namespace std::__detail
