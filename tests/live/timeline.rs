//! Timelines of processes that were killed: what their events add up to.

use std::fs::{self, File};
use std::path::Path;

use edbprof::format::live::Now;
use edbprof::format::timeline::{Source, TimelineProcess, history_beside, read_recorded};
use edbprof::model::timeline::Happening;

use super::model::Figures;

/// The history of a process that is gone, by the path of its live file.
pub(crate) fn read(live: &Path) -> TimelineProcess {
    let file = File::open(history_beside(live).unwrap()).unwrap();
    read_recorded(Source::File(file), &fs::read(live).unwrap(), Now::Gone).unwrap()
}

/// Calls and inclusive ticks by the way from the root, of a process with one thread.
pub(crate) fn figures_of(of: &TimelineProcess) -> Figures {
    let mut figures = Figures::new();
    let mut open: Vec<u64> = Vec::new();
    let (mut words, mut latest) = (Vec::new(), 0);
    let key_of = |node: u32| {
        let function = of.nodes[node as usize].function;
        let name = &of.functions[function as usize].label.name;
        std::str::from_utf8(name).unwrap().parse::<u64>().unwrap()
    };
    for block in &of.blocks {
        of.read(block, &mut words).unwrap();
        for event in of.events(block, &words) {
            for depth in 1..=open.len() {
                figures.entry(open[..depth].to_vec()).or_default().1 += event.tick - latest;
            }
            latest = event.tick;
            match event.what {
                Happening::Start(node) => {
                    open.push(key_of(node));
                    figures.entry(open.clone()).or_default().0 += 1;
                }
                Happening::End(_) => drop(open.pop().unwrap()),
                other => panic!("{other:?}"),
            }
        }
    }
    figures
}
