//! The report for continuous integration: JUnit XML, a suite for each cassette, a case for each
//! call. Breaches, misses and refusals are failures; what Ferrotape or the network could not do is
//! an error; lints are the case's output. No times: the same run gives the same bytes.

use super::human::describe;
use super::{CallReport, Mode, Outcome, Report, SideReport, Summary};
use crate::terminal::clean;
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use std::collections::HashSet;
use std::io::{self, Write};

/// The form `junit`.
pub(super) struct Junit;

impl Report for Junit {
    fn write(&self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        let mut report = quick_junit::Report::new(format!("ferrotape {}", summary.mode.name()));
        for name in suites(summary) {
            let calls = summary.calls.iter().filter(|call| call.suite() == name);
            let mut suite = TestSuite::new(name.clone());
            suite.add_test_cases(calls.map(|call| case(call, summary.mode)));
            suite.add_test_cases(unplayed_cases(summary, &name));
            report.add_test_suite(suite);
        }
        if summary.no_orphans && !summary.orphans.is_empty() {
            let mut suite = TestSuite::new("orphans");
            let why = "no session asked for this cassette";
            let case = |name: &String| failed(name, "ferrotape", NonSuccessKind::Failure, why);
            suite.add_test_cases(summary.orphans.iter().map(case));
            report.add_test_suite(suite);
        }
        if let Some(problem) = &summary.problem {
            let mut suite = TestSuite::new("the run");
            suite.add_test_case(failed("the command calls AWS", "ferrotape", NonSuccessKind::Error, problem));
            report.add_test_suite(suite);
        }
        report.serialize(out).map_err(io::Error::other)
    }
}

/// The cassettes of the run, then what only calls name: other cassettes, and sessions with a name
/// of their own.
fn suites(summary: &Summary) -> Vec<String> {
    let mut known = HashSet::new();
    let cassettes = summary.cassettes.iter().map(|cassette| cassette.name.clone());
    let names = cassettes.chain(summary.calls.iter().map(CallReport::suite));
    names.filter(|name| known.insert(name.clone())).collect()
}

fn case(call: &CallReport, mode: Mode) -> TestCase {
    let operation = call.operation.as_deref().unwrap_or("unknown call");
    let number = match mode {
        Mode::Verify => call.interaction.unwrap_or(call.number),
        _ => call.number,
    };
    let mut case = TestCase::new(format!("#{number} {operation}"), status(call, mode));
    case.set_classname(call.service.as_deref().unwrap_or("unknown service"));
    let lints = departures(call, |side| &side.lints);
    if !lints.is_empty() {
        case.set_system_out(lints.iter().map(|lint| format!("lint {lint}")).collect::<Vec<_>>().join("\n"));
    }
    case
}

/// Where every interaction must be played, one that was not is a failure of its own.
fn unplayed_cases(summary: &Summary, cassette: &str) -> Vec<TestCase> {
    let of_it = summary
        .cassettes
        .iter()
        .filter(|report| summary.all_played && report.name == cassette);
    let case = |unplayed: &super::Unplayed| {
        let operation = unplayed.operation.as_deref().unwrap_or("unknown call");
        let service = unplayed.service.as_deref().unwrap_or("unknown service");
        let name = format!("interaction {} {operation}", unplayed.interaction);
        failed(&name, service, NonSuccessKind::Failure, "no call asked for this interaction")
    };
    of_it.flat_map(|report| &report.unplayed).map(case).collect()
}

fn failed(name: &str, class: &str, kind: NonSuccessKind, message: &str) -> TestCase {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(clean(message));
    let mut case = TestCase::new(name, status);
    case.set_classname(class);
    case
}

fn status(call: &CallReport, mode: Mode) -> TestCaseStatus {
    let kind = match call.outcome {
        Outcome::NotRecorded | Outcome::UpstreamFailed => NonSuccessKind::Error,
        Outcome::Missed | Outcome::Unmodeled | Outcome::Refused | Outcome::Differs => NonSuccessKind::Failure,
        _ if breaks(call, mode) => NonSuccessKind::Failure,
        Outcome::Recorded | Outcome::Played | Outcome::Judged | Outcome::Forwarded | Outcome::Same => return TestCaseStatus::success(),
    };
    let mut lines = departures(call, |side| &side.violations);
    lines.extend(
        call.sides()
            .filter_map(|(name, side)| Some(format!("{name}: {}", side.reason.as_deref()?))),
    );
    lines.extend(call.message.clone());
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(failure_type(call));
    status.set_message(
        lines
            .first()
            .and_then(|text| text.lines().next())
            .map_or_else(|| call.outcome.name().to_owned(), clean),
    );
    status.set_description(lines.join("\n"));
    status
}

/// A run blames a request only on its client; `verify` judges both sides.
fn breaks(call: &CallReport, mode: Mode) -> bool {
    call.sides()
        .any(|(name, side)| side.breaks_contract() && (name == "request" || mode == Mode::Verify))
}

fn failure_type(call: &CallReport) -> &'static str {
    match call.outcome {
        Outcome::Missed => "miss",
        Outcome::Unmodeled => "unmodeled",
        Outcome::NotRecorded => "not recorded",
        Outcome::UpstreamFailed => "upstream failed",
        Outcome::Differs => "difference",
        _ => "violation",
    }
}

fn departures(call: &CallReport, list: impl Fn(&SideReport) -> &Vec<crate::contract::Departure>) -> Vec<String> {
    call.sides()
        .flat_map(|(name, side)| list(side).iter().map(move |departure| describe(name, departure)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::replay;
    use super::*;

    #[test]
    fn each_call_is_a_case_and_the_bytes_never_change() {
        let mut bytes = Vec::new();
        Junit.write(&replay(), &mut bytes).unwrap();
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            r##"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="ferrotape replay" tests="3" skipped="0" failures="2" errors="0">
    <testsuite name="orders" tests="3" skipped="0" errors="0" failures="2">
        <testcase name="#1 CreateServiceInstance" classname="Proton">
            <system-out>lint response /new  unknown  Member &apos;/new&apos; is not in the model</system-out>
        </testcase>
        <testcase name="#2 CreateServiceInstance" classname="Proton">
            <failure message="/name  length  Member must have length less than or equal to 100" type="violation">/name  length  Member must have length less than or equal to 100</failure>
        </testcase>
        <testcase name="#3 CreateServiceInstance" classname="Proton">
            <failure message="no recording of this call;" type="miss">no recording of this call;
nearest: #1
record it: ferrotape auto -c orders -- pytest …</failure>
        </testcase>
    </testsuite>
</testsuites>
"##
        );
    }

    #[test]
    fn an_upstream_that_failed_is_an_error_and_no_failure() {
        let mut summary = replay();
        summary.calls.truncate(1);
        summary.calls[0].outcome = Outcome::UpstreamFailed;
        let mut bytes = Vec::new();
        Junit.write(&summary, &mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains(r#"failures="0" errors="1""#), "{text}");
    }

    #[test]
    fn what_was_not_played_fails_where_all_must_be() {
        let mut summary = replay();
        summary.calls.truncate(1);
        let failures = |summary: &Summary| {
            let mut bytes = Vec::new();
            Junit.write(summary, &mut bytes).unwrap();
            String::from_utf8(bytes).unwrap().matches("<failure").count()
        };
        assert_eq!(failures(&summary), 0);
        summary.all_played = true;
        assert_eq!(failures(&summary), 1);
    }

    #[test]
    fn a_run_without_a_call_is_an_error_and_not_an_empty_success() {
        let mut summary = replay();
        summary.calls.clear();
        summary.problem = Some("no call of the command ever reached Ferrotape".to_owned());
        let mut bytes = Vec::new();
        Junit.write(&summary, &mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(
            text.contains(r#"<error message="no call of the command ever reached Ferrotape""#),
            "{text}"
        );
    }
}
