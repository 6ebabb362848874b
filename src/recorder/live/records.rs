//! Records of the live file's log, as bytes: see the table in [`crate::format::live`].

use crate::format::live::record;
use crate::model::{Function, Label};

/// A record: its kind and what follows the first 8 bytes. Never empty.
#[derive(Debug)]
pub(crate) struct Record {
    pub(super) kind: u32,
    pub(super) payload: Vec<u8>,
}

impl Record {
    /// Facts of the process and its host.
    pub(crate) fn facts(host: &[u8], hook: &[u8], chosen: &[u8]) -> Record {
        let mut record = Record::new(record::FACTS);
        record.text(host);
        record.text(hook);
        let argv: Vec<_> = std::env::args_os().collect();
        record.u32(argv.len() as u32);
        for argument in &argv {
            record.text(argument.as_encoded_bytes());
        }
        if !chosen.is_empty() {
            record.text(chosen);
        }
        record
    }

    /// The next function of the table; `None` if there is no memory.
    pub(crate) fn function(function: &Function, is_hidden: bool) -> Option<Record> {
        let mut record = Record::new(record::FUNCTION);
        let labels = std::iter::once(&function.label).chain(&function.generic);
        let texts = labels.map(|label| label.file.len() + label.name.len());
        let texts = texts.sum::<usize>() + function.qualified_name.len() + function.module.len();
        // The numbers take less than 64 bytes.
        record.payload.try_reserve_exact(texts + 64).ok()?;
        record.u32(function.kind as u32);
        record.u32(function.flags);
        record.u32(is_hidden.into());
        record.u32(function.generic.is_some().into());
        record.label(&function.label);
        record.text(&function.qualified_name);
        record.text(&function.module);
        if let Some(generic) = &function.generic {
            record.label(generic);
        }
        Some(record)
    }

    /// A thread whose root is the node `root`. In a forked child, `inherited` nodes of the parent's
    /// calls follow the root.
    pub(crate) fn thread(root: u32, name: &[u8], inherited: Option<u32>) -> Record {
        let mut record = Record::new(record::THREAD);
        record.u32(root);
        record.text(name);
        if let Some(inherited) = inherited {
            record.u32(inherited.saturating_add(1));
        }
        record
    }

    /// Bytes that it takes in the log.
    pub(super) fn size(&self) -> usize {
        8 + self.payload.len().next_multiple_of(8)
    }

    fn new(kind: u32) -> Record {
        Record {
            kind,
            payload: Vec::new(),
        }
    }

    fn u32(&mut self, value: u32) {
        self.payload.extend_from_slice(&value.to_le_bytes());
    }

    fn text(&mut self, text: &[u8]) {
        // No real name is that long. Cutting it keeps the record readable.
        let text = text.get(..u32::MAX as usize / 4).unwrap_or(text);
        self.u32(text.len() as u32);
        self.payload.extend_from_slice(text);
    }

    fn label(&mut self, label: &Label) {
        self.payload.extend_from_slice(&label.line.to_le_bytes());
        self.text(&label.file);
        self.text(&label.name);
    }
}
