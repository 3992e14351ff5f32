// tree.cc - the red-black trees below map and set: what libstdc++ does out of line to the program's nodes.
//
// A tree hangs on a header that lies in the container: its parent is the root, its left and right the first and the last node, and the root's parent is the header again. The
// header is red and the root is black. Invariants of what hangs there:
//   R1  a red node has no red child
//   R2  every way from a node down to a missing child passes the same number of black nodes
// Links are changed, never values, so that iterators stay. Compiled with the pass (docs/decisions/libstdcxx.md).
#include <bits/stl_tree.h>

namespace {

using Node = std::_Rb_tree_node_base;

bool isRed(const Node *node) { return node != nullptr && node->_M_color == std::_S_red; }

Node *&child(Node *node, bool left) { return left ? node->_M_left : node->_M_right; }

bool isLeft(const Node *node) { return node->_M_parent->_M_left == node; }

/* The link that leads to `node`: of its parent, or the root. */
Node *&linkTo(Node *node, Node &header) { return header._M_parent == node ? header._M_parent : child(node->_M_parent, isLeft(node)); }

/* `node` goes down to the side `left`; its child of the other side comes up in its place. */
void rotate(Node *node, bool left, Node &header)
{
    Node *up = child(node, !left);
    Node *&inner = child(up, left);
    linkTo(node, header) = up;
    up->_M_parent = node->_M_parent;
    child(node, !left) = inner;
    if (inner != nullptr)
        inner->_M_parent = node;
    inner = node;
    node->_M_parent = up;
}

/* R1 may be broken between `node`, which is red, and its parent. */
void mendRed(Node *node, Node &header)
{
    while (node != header._M_parent && isRed(node->_M_parent)) {
        Node *parent = node->_M_parent, *grand = parent->_M_parent;
        bool left = isLeft(parent);
        Node *uncle = child(grand, !left);
        if (isRed(uncle)) {
            parent->_M_color = uncle->_M_color = std::_S_black;
            grand->_M_color = std::_S_red;
            node = grand;
            continue;
        }
        if (isLeft(node) != left) {
            rotate(parent, left, header);
            parent = node;
        }
        parent->_M_color = std::_S_black;
        grand->_M_color = std::_S_red;
        rotate(grand, !left, header);
        break;
    }
    header._M_parent->_M_color = std::_S_black;
}

/* The ways through `node` (perhaps none), below `parent` at the side `left`, have one black node too few. */
void mendBlack(Node *node, Node *parent, bool left, Node &header)
{
    while (node != header._M_parent && !isRed(node)) {
        Node *sibling = child(parent, !left);
        if (isRed(sibling)) {
            sibling->_M_color = std::_S_black;
            parent->_M_color = std::_S_red;
            rotate(parent, left, header);
            sibling = child(parent, !left);
        }
        if (!isRed(sibling->_M_left) && !isRed(sibling->_M_right)) {
            sibling->_M_color = std::_S_red;
            node = parent;
            if (node != header._M_parent) {
                parent = node->_M_parent;
                left = isLeft(node);
            }
            continue;
        }
        if (!isRed(child(sibling, !left))) {
            child(sibling, left)->_M_color = std::_S_black;
            sibling->_M_color = std::_S_red;
            rotate(sibling, !left, header);
            sibling = child(parent, !left);
        }
        sibling->_M_color = parent->_M_color;
        parent->_M_color = std::_S_black;
        child(sibling, !left)->_M_color = std::_S_black;
        rotate(parent, left, header);
        return;
    }
    if (node != nullptr)
        node->_M_color = std::_S_black;
}

Node *farthest(Node *node, bool left)
{
    while (child(node, left) != nullptr)
        node = child(node, left);
    return node;
}

} // namespace

namespace std {

void _Rb_tree_insert_and_rebalance(const bool left, Node *node, Node *parent, Node &header) noexcept
{
    node->_M_parent = parent;
    node->_M_left = node->_M_right = nullptr;
    node->_M_color = _S_red;
    if (parent == &header) {
        header._M_parent = header._M_left = header._M_right = node;
    } else {
        child(parent, left) = node;
        if (left && parent == header._M_left)
            header._M_left = node;
        else if (!left && parent == header._M_right)
            header._M_right = node;
    }
    mendRed(node, header);
}

Node *_Rb_tree_rebalance_for_erase(Node *const node, Node &header) noexcept
{
    Node *below, *parent;
    bool left, lost;
    if (node->_M_left != nullptr && node->_M_right != nullptr) { /* its successor takes its place and colour */
        Node *next = farthest(node->_M_right, true);
        lost = !isRed(next);
        below = next->_M_right;
        left = next != node->_M_right;
        parent = left ? next->_M_parent : next;
        linkTo(node, header) = next;
        if (left) {
            parent->_M_left = below;
            if (below != nullptr)
                below->_M_parent = parent;
            next->_M_right = node->_M_right;
            next->_M_right->_M_parent = next;
        }
        next->_M_left = node->_M_left;
        next->_M_left->_M_parent = next;
        next->_M_parent = node->_M_parent;
        next->_M_color = node->_M_color;
    } else {
        lost = !isRed(node);
        below = node->_M_left != nullptr ? node->_M_left : node->_M_right;
        parent = node->_M_parent;
        left = parent != &header && isLeft(node);
        if (header._M_left == node)
            header._M_left = below != nullptr ? farthest(below, true) : parent;
        if (header._M_right == node)
            header._M_right = below != nullptr ? farthest(below, false) : parent;
        linkTo(node, header) = below;
        if (below != nullptr)
            below->_M_parent = parent;
    }
    if (lost && header._M_parent != nullptr)
        mendBlack(below, parent, left, header);
    return node;
}

} // namespace std
