//! Costs of recording in files: by name in a `.prof`, as a list in a live file.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use super::marshal::{Reader, Value, Writer};
use super::read_error::ReadError;
use crate::model::{Calibration, CallKind, Cost};

const CLASS_CALL: &str = "class_call";
const SLOWED_PPM: &str = "slowed_ppm";

/// Length of a live file's list.
pub(crate) const NUMBERS: usize = 2 + 2 * CallKind::COUNT;
/// Length of the list in version 1 of both formats; at first it had six numbers.
pub(super) const NUMBERS_OF_VERSION_1: usize = 12;

/// The list: what calls of classes cost, the share of slowed time, and of each kind of call
/// the callee's and the caller's part.
pub(crate) fn numbers(calibration: &Calibration) -> [u32; NUMBERS] {
    let costs = calibration.costs.iter();
    let costs = costs.flat_map(|cost| [cost.callee, cost.caller]);
    let mut all = [calibration.class_call, calibration.slowed_ppm]
        .into_iter()
        .chain(costs);
    std::array::from_fn(|_| all.next().unwrap_or(0))
}

/// Reads such a list, which may have more kinds of calls or fewer.
pub(super) fn from_numbers(mut numbers: impl Iterator<Item = u32>) -> Calibration {
    let mut next = || numbers.next().unwrap_or(0);
    let (class_call, slowed_ppm) = (next(), next());
    let costs = std::array::from_fn(|_| Cost {
        callee: next(),
        caller: next(),
    });
    Calibration {
        costs,
        class_call,
        slowed_ppm,
    }
}

/// Reads the numbers of version 1: two for each kind of call, then the other two. Numbers that a
/// file lacks are 0.
pub(super) fn from_version_1(numbers: [u32; NUMBERS_OF_VERSION_1]) -> Calibration {
    let (costs, others) = numbers.split_at(NUMBERS_OF_VERSION_1 - 2);
    from_numbers(others.iter().chain(costs).copied())
}

/// Reads the dict of a `.prof`; what it does not name was not measured.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<Option<Calibration>, ReadError> {
    let mut calibration = Calibration::default();
    reader.dict(|reader| {
        let name = reader.string()?;
        if let Some(kind) = CallKind::ALL
            .into_iter()
            .find(|k| k.name().as_bytes() == name)
        {
            let cost = reader.tuple(2, "a callee's and a caller's part", |reader| {
                Ok(Cost {
                    callee: read_cost(reader)?,
                    caller: read_cost(reader)?,
                })
            })?;
            calibration = calibration.with(kind, cost);
        } else if name == CLASS_CALL.as_bytes() {
            calibration.class_call = read_cost(reader)?;
        } else if name == SLOWED_PPM.as_bytes() {
            calibration.slowed_ppm = read_cost(reader)?;
        } else {
            reader.skip()?;
        }
        Ok(())
    })?;
    Ok(calibration.if_measured())
}

/// Writes it as [`read`] reads it.
pub(super) fn write(writer: &mut Writer<'_>, calibration: &Calibration) {
    writer.dict();
    for kind in CallKind::ALL {
        let cost = calibration.cost(kind);
        writer.text(kind.name().as_bytes());
        writer.tuple(2);
        writer.int(cost.callee.into());
        writer.int(cost.caller.into());
    }
    writer.text(CLASS_CALL.as_bytes());
    writer.int(calibration.class_call.into());
    writer.text(SLOWED_PPM.as_bytes());
    writer.int(calibration.slowed_ppm.into());
    writer.end_dict();
}

/// Reads the tuple that version 1 has in place of the dict.
pub(super) fn read_version_1(reader: &mut Reader<'_>) -> Result<Option<Calibration>, ReadError> {
    let offset = reader.offset();
    reader.object(|reader, value| match value {
        Value::Tuple(count @ 6..=NUMBERS_OF_VERSION_1) => {
            let mut numbers = [0; NUMBERS_OF_VERSION_1];
            for number in numbers.iter_mut().take(count) {
                *number = read_cost(reader)?;
            }
            Ok(from_version_1(numbers).if_measured())
        }
        other => Err(Reader::unexpected(offset, "six to twelve numbers", other)),
    })
}

fn read_cost(reader: &mut Reader<'_>) -> Result<u32, ReadError> {
    let offset = reader.offset();
    let number = reader.int()?.try_into();
    number.map_err(|_| ReadError::invalid(offset, "a number out of its range"))
}
