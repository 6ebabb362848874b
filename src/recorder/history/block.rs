//! One block of a history in memory.

use std::ptr::NonNull;
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
    compiler_fence,
};

use crate::format::timeline::{BLOCK, BLOCK_HEADER, Block, block, checksum};

/// Words that a block has for events.
pub(crate) const WORDS: usize = (BLOCK - BLOCK_HEADER) / 8;
/// Words of its header.
const HEADER_WORDS: usize = BLOCK_HEADER / 8;

const _: () = assert!(
    block::NUMBER == 0
        && block::START == 8
        && block::NODE == 16
        && block::ROOT == 20
        && block::THREAD == 24
        && block::OVERFLOW == 28
        && block::WORDS == 32
        && block::CHECKSUM == 40
        && HEADER_WORDS == 8
);

/// Position of a thread when its block begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockStart {
    pub(crate) tick: u64,
    pub(crate) node: u32,
    pub(crate) root: u32,
    pub(crate) thread: u32,
    /// Number of overflow calls that are open.
    pub(crate) overflow: u32,
}

/// Memory of a block, as long as its storage is mapped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'s>(&'s [AtomicU64; BLOCK / 8]);

impl<'s> Words<'s> {
    /// The block at `start`.
    ///
    /// # Safety
    /// * [`BLOCK`] bytes from there are mapped for `'s`, aligned, and touched through atomics
    ///   alone.
    pub(super) unsafe fn at(start: NonNull<u8>) -> Words<'s> {
        // SAFETY: by this function's contract.
        Words(unsafe { start.cast().as_ref() })
    }

    /// Its first word.
    pub(super) fn start(self) -> NonNull<AtomicU64> {
        NonNull::from(self.0).cast()
    }

    /// Fills it with zeros, beginning with the number, so that readers take it for unused at once.
    pub(super) fn clear(self) {
        self.0[0].store(0, Release);
        // Stores the number first: a reader of a killed process's file must not take the rest for a
        // block.
        compiler_fence(Release);
        compiler_fence(Acquire);
        for word in &self.0[1..] {
            word.store(0, Relaxed);
        }
    }

    /// Writes the checksum of its words.
    ///
    /// # Safety
    /// * Nobody writes to them meanwhile, nor afterwards.
    pub(super) unsafe fn seal(self) {
        if self.0[0].load(Relaxed) != 0 {
            let words = &self.0[HEADER_WORDS..];
            // SAFETY: the bytes of the words, which only readers touch (contract). One by one they
            // take twice as long.
            let bytes = unsafe {
                std::slice::from_raw_parts(words.as_ptr().cast::<u8>(), size_of_val(words))
            };
            self.0[block::CHECKSUM / 8].store(checksum::of_bytes(bytes), Release);
        }
    }

    /// The block with its words, if it is in use.
    pub(super) fn recorded(self) -> Option<RecordedBlock<'s>> {
        let header = |at: usize| self.0[at / 8].load(Relaxed);
        let number = self.0[0].load(Acquire);
        let halves = |at| (header(at) as u32, (header(at) >> 32) as u32);
        let (node, root) = halves(block::NODE);
        let (thread, overflow) = halves(block::THREAD);
        (number != 0).then(|| RecordedBlock {
            block: Block {
                number,
                start: header(block::START),
                node,
                root,
                thread,
                overflow,
                words: 0,
                offset: 0,
                checksum: None,
            },
            words: &self.0[HEADER_WORDS..],
        })
    }
}

/// A block that events are in. Its thread may add more meanwhile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordedBlock<'s> {
    pub(crate) block: Block,
    words: &'s [AtomicU64],
}

impl RecordedBlock<'_> {
    /// Adds its words so far.
    pub(crate) fn read(&self, words: &mut Vec<u64>) {
        words.extend(self.words.iter().map(|word| word.load(Acquire)));
    }
}

/// A block's place, and its number in the order in which blocks were begun.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BlockName {
    pub(crate) index: u32,
    pub(crate) number: u64,
}

/// A block of zeros, for a thread to fill.
#[derive(Debug)]
pub(crate) struct NewBlock {
    pub(super) start: NonNull<AtomicU64>,
    pub(super) name: BlockName,
    /// It took longer than usual to get it.
    pub(crate) is_slow: bool,
}

impl NewBlock {
    /// Its name, with which its thread retires it.
    pub(crate) fn name(&self) -> BlockName {
        self.name
    }

    /// Writes the header, and returns the first word, which [`WORDS`] words have room behind.
    /// The number comes last, because it says that the block is in use.
    pub(crate) fn begin(&self, at: &BlockStart) -> NonNull<AtomicU64> {
        let store = |word: usize, value: u64| {
            // SAFETY: the block is mapped, and this thread's own.
            unsafe { self.start.add(word).as_ref() }.store(value, Release);
        };
        let halves = |low: u32, high: u32| u64::from(high) << 32 | u64::from(low);
        let header = [
            self.name.number,
            at.tick,
            halves(at.node, at.root),
            halves(at.thread, at.overflow),
            0,
        ];
        for (word, &value) in header.iter().enumerate().skip(1) {
            store(word, value);
        }
        let sum = checksum::of_words(header.into_iter());
        store(block::HEADER_CHECKSUM / 8, sum);
        store(0, self.name.number);
        // SAFETY: words follow the header.
        unsafe { self.start.add(HEADER_WORDS) }
    }
}
