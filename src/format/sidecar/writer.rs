//! Writes a sidecar as a pickle of protocol 4, which Python 3.4 and later read.

use std::collections::HashMap;
use std::sync::Arc;

use super::{
    BINBYTES, BININT, BINUNICODE, EMPTY_DICT, LONG_BINGET, LONG1, MARK, MEMOIZE, PROTO, SETITEMS,
    SHORT_BINUNICODE, STOP, TUPLE3,
};
use crate::format::wtf8::encodes_a_str;
use crate::model::{DispatchCounts, Label};

/// Returns the pickle of `sidecar`; equal sidecars give equal bytes.
pub fn encode(sidecar: &DispatchCounts) -> Vec<u8> {
    let mut pickle = Pickle::default();
    pickle.out.extend_from_slice(&[PROTO, 4]);
    pickle.dict(sidecar, |pickle, callers| {
        pickle.dict(callers, |pickle, implementations| {
            pickle.dict(implementations, |pickle, &calls| pickle.int(calls));
        });
    });
    pickle.out.push(STOP);
    pickle.out
}

#[derive(Default)]
struct Pickle<'a> {
    out: Vec<u8>,
    memo: HashMap<Memoized<'a>, u32>,
}

#[derive(PartialEq, Eq, Hash)]
enum Memoized<'a> {
    Label(&'a Label),
    File(&'a [u8]),
}

impl<'a> Pickle<'a> {
    fn dict<V>(
        &mut self,
        items: impl IntoIterator<Item = (&'a Arc<Label>, V)>,
        mut value: impl FnMut(&mut Self, V),
    ) {
        self.out.extend_from_slice(&[EMPTY_DICT, MARK]);
        for (label, item) in items {
            self.label(label);
            value(self, item);
        }
        self.out.push(SETITEMS);
    }

    fn label(&mut self, label: &'a Label) {
        if self.known(Memoized::Label(label)) {
            return;
        }
        if !self.known(Memoized::File(&label.file)) {
            self.text(&label.file);
            self.memoize(Memoized::File(&label.file));
        }
        self.signed(i128::from(label.line));
        self.text(&label.name);
        self.out.push(TUPLE3);
        self.memoize(Memoized::Label(label));
    }

    fn known(&mut self, object: Memoized<'a>) -> bool {
        let Some(index) = self.memo.get(&object) else {
            return false;
        };
        self.out.push(LONG_BINGET);
        self.out.extend_from_slice(&index.to_le_bytes());
        true
    }

    fn memoize(&mut self, object: Memoized<'a>) {
        let index = self.memo.len() as u32;
        self.memo.insert(object, index);
        self.out.push(MEMOIZE);
    }

    fn text(&mut self, text: &[u8]) {
        match u8::try_from(text.len()) {
            Ok(short) if encodes_a_str(text) => {
                self.out.extend_from_slice(&[SHORT_BINUNICODE, short]);
            }
            _ => {
                self.out.push(if encodes_a_str(text) {
                    BINUNICODE
                } else {
                    BINBYTES
                });
                self.out
                    .extend_from_slice(&(text.len() as u32).to_le_bytes());
            }
        }
        self.out.extend_from_slice(text);
    }

    fn int(&mut self, value: u64) {
        self.signed(i128::from(value));
    }

    fn signed(&mut self, value: i128) {
        if let Ok(small) = i32::try_from(value) {
            self.out.push(BININT);
            self.out.extend_from_slice(&small.to_le_bytes());
        } else {
            // Nine bytes of two's complement hold every i64 and every u64.
            self.out.extend_from_slice(&[LONG1, 9]);
            self.out.extend(value.to_le_bytes().iter().take(9));
        }
    }
}
