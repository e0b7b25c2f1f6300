//! Keys and values of what was read, as a tree of token sequences.
//!
//! A page holds sixteen positions for all layers. Pages hang below the page that came before them,
//! so sequences that begin alike share their beginning, and a prompt is read only from where it
//! departs from everything read before. Pages that no sequence has used for longest are reused when
//! the tree has reached its size.

use super::super::arena::Arena;
use super::PAGE;

/// Pages are taken from pieces of memory of this size (bytes), or of their own if they are larger.
const PIECE: usize = 4 << 20;

/// What a page of a model looks like.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    pub(super) layers: usize,
    pub(super) kv_heads: usize,
    pub(super) head_size: usize,
}

impl Layout {
    /// Numbers of one layer and head: keys `[head_size][PAGE]`, then values `[PAGE][head_size]`.
    fn head(self) -> usize {
        2 * PAGE * self.head_size
    }

    /// Where the keys of a layer and head begin in a page.
    pub(super) fn offset(self, layer: usize, head: usize) -> usize {
        (layer * self.kv_heads + head) * self.head()
    }

    /// Numbers of a page (`f16`).
    fn page(self) -> usize {
        self.offset(self.layers, 0)
    }

    /// Memory of a page (bytes).
    pub(super) fn page_bytes(self) -> usize {
        2 * self.page()
    }
}

struct Node {
    /// The tokens whose keys and values are there; sixteen at most.
    tokens: Vec<u32>,
    /// The states of the last of them, which were only glanced at: their keys and values are there for some layers.
    glanced: Vec<Vec<f32>>,
    parent: Option<usize>,
    children: Vec<usize>,
    used: u64,
}

impl Node {
    /// Tokens that all layers have read.
    fn read(&self) -> usize {
        self.tokens.len() - self.glanced.len()
    }
}

/// The tree, and the sequence that is being read or written.
pub(super) struct Cache {
    layout: Layout,
    nodes: Vec<Node>,
    /// The memory of all nodes' pages, in their order.
    pieces: Vec<Arena>,
    free: Vec<usize>,
    roots: Vec<usize>,
    /// Pages that may be in memory.
    most: usize,
    /// The present sequence, page by page. All but the last are full.
    path: Vec<usize>,
    clock: u64,
}

impl Cache {
    /// An empty tree of at most `most` pages.
    pub(super) fn new(layout: Layout, most: usize) -> Self {
        Self {
            layout,
            nodes: Vec::new(),
            pieces: Vec::new(),
            free: Vec::new(),
            roots: Vec::new(),
            most,
            path: Vec::new(),
            clock: 0,
        }
    }

    /// Tokens of the present sequence.
    pub(super) fn length(&self) -> usize {
        match self.path.last() {
            Some(&last) => (self.path.len() - 1) * PAGE + self.nodes[last].tokens.len(),
            None => 0,
        }
    }

    /// Starts a new sequence: finds the longest known beginning of `tokens` and gives its length.
    pub(super) fn start(&mut self, tokens: &[u32]) -> usize {
        self.path.clear();
        self.clock += 1;
        let mut left = tokens;
        loop {
            let siblings = match self.path.last() {
                Some(&last) => &self.nodes[last].children,
                None => &self.roots,
            };
            let best = siblings
                .iter()
                .map(|&node| (shared(&self.nodes[node].tokens, left), node))
                .max_by_key(|(length, _)| *length)
                .filter(|(length, _)| *length > 0);
            let Some((length, node)) = best else { break };
            if length == PAGE {
                self.path.push(node);
                self.nodes[node].used = self.clock;
                left = &left[PAGE..];
                continue;
            }
            if length == self.nodes[node].tokens.len() {
                // It ends here, so it has no children and may grow in place.
                self.path.push(node);
                self.nodes[node].used = self.clock;
            } else {
                // Keep it for others; go on with a copy of the part that is shared.
                self.nodes[node].used = self.clock;
                let kept = self.nodes[node].tokens[..length].to_vec();
                let read = self.nodes[node].read().min(length);
                let glanced = self.nodes[node].glanced[..length - read].to_vec();
                let copy = self.page();
                // In a full tree the page itself may have made room; its numbers are still there.
                if node != copy {
                    let (from, to) = (self.data(node), self.data(copy));
                    // SAFETY: two pages, each of this many numbers.
                    unsafe { to.copy_from_nonoverlapping(from, self.layout.page()) }
                }
                self.nodes[copy].tokens = kept;
                self.nodes[copy].glanced = glanced;
            }
            break;
        }
        self.length()
    }

    /// Makes room for `tokens` after the present sequence and counts them as part of it.
    pub(super) fn extend(&mut self, tokens: &[u32]) {
        for &token in tokens {
            let last = match self.path.last() {
                Some(&last) if self.nodes[last].tokens.len() < PAGE => last,
                _ => self.page(),
            };
            self.nodes[last].tokens.push(token);
        }
    }

    /// Counts the last `count` tokens of the present sequence as only glanced at, with the states to go on from.
    pub(super) fn keep(&mut self, count: usize, states: &[f32]) {
        let width = states.len() / count;
        let first = self.length() - count;
        for (at, state) in (first..).zip(states.chunks_exact(width)) {
            let node = self.path[at / PAGE];
            self.nodes[node].glanced.push(state.to_vec());
        }
    }

    /// Of the present sequence the first tokens that were only glanced at, at most `most`: where they begin, and their
    /// states. They count as read to the end from now on.
    pub(super) fn glanced(&mut self, most: usize) -> Option<(usize, Vec<f32>)> {
        let is_glanced = |node: &usize| !self.nodes[*node].glanced.is_empty();
        let first = self.path.iter().position(is_glanced)?;
        let start = first * PAGE + self.nodes[self.path[first]].read();
        let mut states = Vec::new();
        let mut left = most;
        for node in self.path[first..].iter().copied() {
            let glanced = &mut self.nodes[node].glanced;
            let taken = glanced.len().min(left);
            left -= taken;
            states.extend(glanced.drain(..taken).flatten());
        }
        Some((start, states))
    }

    /// Forgets all but the first `length` tokens of the present sequence, which were added to it by
    /// `extend` since it started.
    pub(super) fn truncate(&mut self, length: usize) {
        while self.length() > length {
            let Some(&last) = self.path.last() else {
                return;
            };
            let start = (self.path.len() - 1) * PAGE;
            if length > start {
                let node = &mut self.nodes[last];
                let read = node.read();
                node.tokens.truncate(length - start);
                node.glanced.truncate((length - start).saturating_sub(read));
            } else {
                self.path.pop();
                self.remove(last);
            }
        }
    }

    /// The present sequence's pages.
    pub(super) fn pages(&mut self) -> Vec<*mut u16> {
        self.path.iter().map(|&node| self.data(node)).collect()
    }

    /// Pages in a piece of memory.
    fn pages_a_piece(&self) -> usize {
        (PIECE / self.layout.page_bytes()).max(1)
    }

    /// The page of a node.
    fn data(&self, node: usize) -> *mut u16 {
        let (piece, place) = (node / self.pages_a_piece(), node % self.pages_a_piece());
        #[expect(
            clippy::cast_ptr_alignment,
            reason = "an arena is aligned for any number"
        )]
        let start = self.pieces[piece].start().cast::<u16>();
        // SAFETY: `page` made a piece with room for this many pages.
        unsafe { start.add(place * self.layout.page()) }
    }

    /// A new page at the end of the present sequence.
    fn page(&mut self) -> usize {
        if self.nodes.len() - self.free.len() >= self.most
            && let Some(oldest) = self.oldest()
        {
            self.remove(oldest);
        }
        let parent = self.path.last().copied();
        let node = if let Some(node) = self.free.pop() {
            node
        } else {
            let pages = self.pages_a_piece();
            if self.nodes.len() == pages * self.pieces.len() {
                let piece = Arena::certain(pages * self.layout.page_bytes());
                self.pieces.push(piece);
            }
            self.nodes.push(Node {
                tokens: Vec::with_capacity(PAGE),
                glanced: Vec::new(),
                parent: None,
                children: Vec::new(),
                used: 0,
            });
            self.nodes.len() - 1
        };
        self.nodes[node].parent = parent;
        self.nodes[node].used = self.clock;
        match parent {
            Some(parent) => self.nodes[parent].children.push(node),
            None => self.roots.push(node),
        }
        self.path.push(node);
        node
    }

    /// The page that was used longest ago, of those that nothing hangs below.
    fn oldest(&self) -> Option<usize> {
        let in_use = |node: &usize| !self.nodes[*node].tokens.is_empty();
        (0..self.nodes.len())
            .filter(in_use)
            .filter(|node| self.nodes[*node].children.is_empty() && !self.path.contains(node))
            .min_by_key(|&node| self.nodes[node].used)
    }

    fn remove(&mut self, node: usize) {
        let siblings = match self.nodes[node].parent {
            Some(parent) => &mut self.nodes[parent].children,
            None => &mut self.roots,
        };
        siblings.retain(|sibling| *sibling != node);
        self.nodes[node].tokens.clear();
        self.nodes[node].glanced.clear();
        self.free.push(node);
    }
}

/// How many tokens two sequences have in common at their beginning.
fn shared(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: Layout = Layout {
        layers: 1,
        kv_heads: 1,
        head_size: 16,
    };

    /// Reads a sequence as a model would: each position's numbers say its token.
    fn read(cache: &mut Cache, tokens: &[u32]) -> usize {
        let known = cache.start(&tokens[..tokens.len() - 1]);
        cache.extend(&tokens[known..]);
        let mut path = cache.path.clone().into_iter();
        for part in tokens.chunks(PAGE) {
            let node = path.next().expect("a page for every sixteen");
            for (at, token) in part.iter().enumerate() {
                let mark = u16::try_from(*token).expect("small");
                // SAFETY: a place in a page.
                unsafe { cache.data(node).add(at).write(mark) }
            }
        }
        known
    }

    /// What the pages say is what was read.
    fn check(cache: &Cache, tokens: &[u32]) {
        for (part, node) in tokens.chunks(PAGE).zip(&cache.path) {
            assert_eq!(cache.nodes[*node].tokens, part);
            for (at, token) in part.iter().enumerate() {
                // SAFETY: a place in a page.
                let mark = unsafe { cache.data(*node).add(at).read() };
                assert_eq!(u32::from(mark), *token);
            }
        }
    }

    fn tokens(seed: u32, shared: usize, length: usize) -> Vec<u32> {
        (0..length)
            .map(|at| at as u32 % 7 + if at < shared { 0 } else { seed })
            .collect()
    }

    #[test]
    fn a_prompt_is_read_only_from_where_it_departs() {
        let mut cache = Cache::new(LAYOUT, 100);
        let (a, b) = (tokens(10, 40, 100), tokens(20, 40, 90));
        assert_eq!(read(&mut cache, &a), 0);
        assert_eq!(read(&mut cache, &b), 40);
        check(&cache, &b);
        assert_eq!(read(&mut cache, &a), 99);
        check(&cache, &a);
        assert_eq!(read(&mut cache, &b), 89);
        let longer = [&b[..], &[1, 2, 3]].concat();
        assert_eq!(read(&mut cache, &longer), 90);
        check(&cache, &longer);
    }

    #[test]
    fn what_was_used_longest_ago_makes_room() {
        let mut cache = Cache::new(LAYOUT, 12);
        for seed in 1..40 {
            let prompt = tokens(seed * 10, 32, 100);
            let known = read(&mut cache, &prompt);
            check(&cache, &prompt);
            assert!(seed == 1 || known == 32, "{known}");
            assert!(cache.nodes.len() <= 12);
        }
    }

    #[test]
    fn a_draft_is_taken_back() {
        let mut cache = Cache::new(LAYOUT, 100);
        let prompt = tokens(10, 0, 30);
        read(&mut cache, &prompt);
        cache.extend(&[1, 2, 3, 4, 5]);
        assert_eq!(cache.length(), 35);
        cache.truncate(31);
        cache.extend(&[9]);
        assert_eq!(cache.length(), 32);
        cache.truncate(30);
        assert_eq!(cache.length(), 30);
        check(&cache, &prompt);
    }
}
