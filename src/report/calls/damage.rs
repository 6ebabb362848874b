//! Text for the damage of a timeline's file.

use crate::format::timeline::FileDamage;
use crate::report::numbers::{count, counted};

/// Returns sentences about damaged parts: where they are, and how much of the file is used. Empty
/// if all of it is.
pub fn damage_text(damage: &FileDamage) -> Vec<String> {
    let behind = damage.behind.map(|(offset, bytes)| {
        format!(
            "{} from byte {} on behind the timeline's end: all before them is used",
            counted(bytes as usize, "byte is", "bytes are"),
            count(offset.into()),
        )
    });
    let damaged = damage.first.map(|offset| {
        let more = match damage.places {
            1 => String::new(),
            places => format!(
                " and in {}",
                counted(places as usize - 1, "more place", "more places")
            ),
        };
        let mut lost = Vec::new();
        if damage.processes_left_out > 0 {
            let all = damage.processes + damage.processes_left_out;
            lost.push(format!(
                "{} of {}",
                count(damage.processes_left_out.into()),
                counted(all as usize, "process", "processes")
            ));
        }
        let blocks = damage.blocks_left_out + damage.blocks_cut;
        if blocks > 0 {
            let all = damage.blocks + damage.blocks_left_out;
            lost.push(format!(
                "{} of {} of events",
                count(blocks.into()),
                counted(all as usize, "block", "blocks")
            ));
        }
        format!(
            "the timeline is damaged at byte {}{more}: {} could not be used, the rest is",
            count(offset.into()),
            lost.join(" and ")
        )
    });
    behind.into_iter().chain(damaged).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_told_with_its_place_and_what_is_used() {
        assert!(damage_text(&FileDamage::default()).is_empty());
        let damage = FileDamage {
            behind: Some((123_456, 1)),
            first: Some(4_096),
            places: 3,
            processes: 2,
            processes_left_out: 1,
            blocks: 30,
            blocks_left_out: 10,
            blocks_cut: 1,
        };
        assert_eq!(
            damage_text(&damage),
            [
                "1 byte is from byte 123,456 on behind the timeline's end: all before them is used",
                "the timeline is damaged at byte 4,096 and in 2 more places: 1 of 3 processes and \
                 11 of 40 blocks of events could not be used, the rest is",
            ]
        );
    }
}
