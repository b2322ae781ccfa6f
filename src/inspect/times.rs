//! Which members of a request name the time at which it was sent, as a program reads it off its clock.

use super::Call;
use crate::cassette::TimeMark;
use crate::instant;
use crate::pointer::Path;
use crate::value::Value;
use crate::wire::Request;

/// More members than these are no times that a program computed one by one.
const MOST: usize = 64;

/// The members of an input that name the time of its request, in the order of the wire. None where the
/// request is not signed, and so tells no time.
pub fn time_marks(call: &Call, request: &Request, input: &Value) -> Vec<TimeMark> {
    let Some(sent) = instant::signing_time(request) else {
        return Vec::new();
    };
    let mut marks = Vec::new();
    collect(input, Path::ROOT, sent, &mut marks);
    let token = call.operation().idempotency_token.as_deref();
    marks.retain(|mark| mark.member.strip_prefix('/') != token);
    marks
}

fn collect(value: &Value, path: Path<'_>, sent: i64, marks: &mut Vec<TimeMark>) {
    match value {
        Value::Object(members) => members
            .iter()
            .for_each(|(name, value)| collect(value, path.name(name), sent, marks)),
        Value::List(items) => items
            .iter()
            .enumerate()
            .for_each(|(index, value)| collect(value, path.index(index), sent, marks)),
        scalar => {
            if marks.len() < MOST
                && let Some(offset) = instant::offset(scalar, sent)
            {
                marks.push(TimeMark {
                    member: path.render(),
                    offset,
                });
            }
        }
    }
}
