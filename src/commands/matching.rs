//! Which calls count as the same, as it is typed or settled: what `replay` and its like share.

use super::run::RunArguments;
use crate::cassette::store::Library;
use crate::cassette::{Cassette, Interaction, Name};
use crate::inspect::{inspect_recorded, mislabeled};
use crate::matcher::idle::{Scope, idle};
use crate::matcher::{Tape, propose};
use crate::model::catalog::Catalog;
use crate::near;
use crate::proxy::event::Label;
use crate::proxy::playing::Playing;
use crate::redaction::Redactor;
use crate::settings::{Bind, CallRules, Fold, Matching, Order, Place, PlaceError, bind_tables};

/// Options on which calls count as the same.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct MatchArguments {
    /// In which order calls are answered: equal ones in recorded order (`key`), or all (`strict`)
    #[arg(long, value_enum, value_name = "ORDER")]
    pub order: Option<Order>,
    /// Answer with the last only: of the attempts of a call that the SDK made again (`retries`), of
    /// the rounds of a loop that waits for a state (`polls`)
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    pub fold: Vec<Fold>,
    /// The value of this request member is made up anew in every run, and what is sent takes the
    /// recorded one's place wherever it recurs; `auto` finds such members, and says which
    /// (repeatable)
    #[arg(long, value_name = "OPERATION:/PATH|auto", value_parser = Binding::parse)]
    pub bind: Vec<Binding>,
    /// The id of the account whose id the cassette hides, for a program that has it as a literal: it takes
    /// the place of `000000000001` (repeatable: a second one that of `000000000002`, …)
    #[arg(long = "account", value_name = "ID", value_parser = account_id)]
    pub accounts: Vec<String>,
}

fn account_id(text: &str) -> Result<String, &'static str> {
    match text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(text.to_owned()),
        false => Err("the id of an account has twelve digits"),
    }
}

/// `--bind`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// `auto`.
    Proposed,
    /// A place.
    Of(Place),
}

impl Binding {
    /// Reads `auto` or a place.
    pub fn parse(text: &str) -> Result<Binding, PlaceError> {
        match text {
            "auto" => Ok(Binding::Proposed),
            place => place.parse().map(Binding::Of),
        }
    }
}

impl MatchArguments {
    /// The rules of a run beside those of the cassette: what is typed, on top of what is settled.
    pub fn rules(&self, run: &RunArguments) -> CallRules {
        run.settings.call_rules().and(&self.rules_typed())
    }

    fn rules_typed(&self) -> CallRules {
        let bind = self.bind.iter().filter_map(|binding| match binding {
            Binding::Of(place) => Some(Bind { from: place.clone() }),
            Binding::Proposed => None,
        });
        CallRules {
            matching: Matching {
                order: self.order,
                fold: self.fold.clone(),
                ..Matching::default()
            },
            bind: bind.collect(),
        }
    }

    /// Whether `--bind auto` was typed.
    pub fn proposes(&self) -> bool {
        self.bind.contains(&Binding::Proposed)
    }

    /// A cassette made ready under these rules, and what is to be said of it.
    pub fn tape(&self, rules: &CallRules, mut cassette: Cassette, catalog: &Catalog) -> anyhow::Result<(Tape, Vec<String>)> {
        let mut rules = rules.clone();
        let mut notes: Vec<String> = without_models(&cassette, catalog).into_iter().collect();
        if !self.accounts.is_empty() {
            let redactor = Redactor::with_rules(&cassette.redaction, &mut cassette.interactions.iter())?;
            let understand = |interaction: &Interaction| inspect_recorded(catalog, interaction);
            notes.extend(redactor.give_accounts(&mut cassette, &self.accounts, &understand));
        }
        if self.proposes() {
            let proposed = propose::proposals(&indexed(cassette.clone(), &rules, catalog)?);
            notes.extend(proposed.iter().map(|proposal| {
                let rule = bind_tables(std::slice::from_ref(&proposal.rule)).join("\n  ");
                format!("{}; the rule for `ferrotape.toml`:\n  {rule}", proposal_note(proposal))
            }));
            rules.bind.extend(proposed.into_iter().map(|proposal| proposal.rule));
        }
        let own = cassette.rules.clone().and(&self.rules_typed());
        let tape = indexed(cassette, &rules, catalog)?;
        // The services that it calls are loaded by now.
        let told = [idle(&own, catalog, Scope::Own), idle(&rules, catalog, Scope::Shared)].concat();
        notes.extend(told);
        Ok((tape, notes))
    }
}

/// Writes the rules that `record --bind` asks for into the cassette that was recorded; gives what is
/// to be said of it.
pub fn keep_binds(binds: &[Binding], library: &Library, name: &Name, catalog: &Catalog) -> anyhow::Result<Vec<String>> {
    if binds.is_empty() {
        return Ok(Vec::new());
    }
    let mut cassette = library.load(name)?;
    let before = cassette.rules.clone();
    let typed = MatchArguments {
        bind: binds.to_vec(),
        ..MatchArguments::default()
    };
    let mut notes = Vec::new();
    cassette.rules = cassette.rules.and(&typed.rules_typed());
    if typed.proposes() {
        let proposed = propose::proposals(&indexed(cassette.clone(), &CallRules::default(), catalog)?);
        let told = proposed.iter().map(proposal_note);
        notes.extend(told.map(|note| format!("{note}, which stands in the cassette now")));
        cassette.rules.bind.extend(proposed.into_iter().map(|proposal| proposal.rule));
    }
    if cassette.rules != before {
        library.save(name, &cassette)?;
    }
    Ok(notes)
}

/// A cassette that was recorded with other models does not play well without them.
fn without_models(cassette: &Cassette, catalog: &Catalog) -> Option<String> {
    let names = cassette.models.iter().map(|(name, _)| name.as_str());
    let unknown: Vec<&str> = names.filter(|name| catalog.find_entry(name).is_none()).collect();
    (!unknown.is_empty()).then(|| {
        format!(
            "the cassette was recorded with the models of {}, which this run does not have; name them with `--model botocore` or `--model FILE`",
            near::quoted(&unknown)
        )
    })
}

/// Names in the cassette that are not those of its requests, which `verify` calls violations. It is
/// played by its requests.
pub fn edited(tape: &Tape, catalog: &Catalog) -> Vec<String> {
    const REPORTED: usize = 4;
    let tracks = tape.tracks().iter().enumerate();
    let edited = tracks.filter_map(|(position, track)| {
        let message = mislabeled(catalog, &track.interaction, track.call.as_ref())?;
        Some(format!("interaction {}: {message}", position + 1))
    });
    let mut notes: Vec<String> = edited.collect();
    if let more @ 1.. = notes.len().saturating_sub(REPORTED) {
        notes.truncate(REPORTED);
        notes.push(format!(
            "and {more} more interactions whose names are not those of their requests; `ferrotape verify` lists them"
        ));
    }
    notes
}

/// A cassette as it is played, under these rules beside its own.
pub fn indexed(cassette: Cassette, rules: &CallRules, catalog: &Catalog) -> anyhow::Result<Tape> {
    let redactor = Redactor::with_rules(&cassette.redaction, &mut cassette.interactions.iter())?;
    Ok(Tape::with_rules(cassette, redactor, rules, |interaction| {
        inspect_recorded(catalog, interaction)
    }))
}

/// What is said of a proposed rule: a guess is never silent.
pub fn proposal_note(proposal: &propose::Proposal) -> String {
    let numbers: Vec<String> = proposal.recurs.iter().take(5).map(ToString::to_string).collect();
    let more = match proposal.recurs.len().saturating_sub(numbers.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let plural = if proposal.recurs.len() == 1 { "" } else { "s" };
    format!(
        "bound by guess: `{}`, because \"{}\" looks made up and recurs in interaction{plural} {}{more}",
        proposal.rule.from,
        proposal.recorded,
        numbers.join(", ")
    )
}

/// What a session bound, for the report.
pub fn bound_notes(label: &Label, session: &Playing) -> Vec<String> {
    let whose = match label.has_own_name() {
        true => format!(" in session `{}`", label.session),
        false => String::new(),
    };
    let times = session.positions.times().into_iter();
    let times = times.map(|place| format!("`{place}`{whose}: the time of this run in the place of that of the recording"));
    let bound = session.positions.bound(&session.playable.tape).into_iter();
    bound
        .map(|(binding, live)| {
            let place = binding.place.as_deref().unwrap_or_default();
            match &binding.recorded {
                Some(recorded) => format!("`{place}` bound{whose}: \"{live}\" in the place of the recorded \"{recorded}\""),
                None => format!("`{place}` bound{whose}: what was sent (hidden) in the place of what was recorded"),
            }
        })
        .chain(times)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proposal_is_told_with_its_reason() {
        let proposal = propose::Proposal {
            rule: Bind {
                from: "Put:/name".parse().unwrap(),
            },
            recorded: "it-3f9a21c0".to_owned(),
            recurs: vec![1, 2, 3, 4, 5, 6, 7],
        };
        assert_eq!(
            proposal_note(&proposal),
            "bound by guess: `Put:/name`, because \"it-3f9a21c0\" looks made up and recurs in interactions 1, 2, 3, 4, 5 and 2 more"
        );
    }

    #[test]
    fn a_cassette_whose_models_are_missing_is_told() {
        let stamped = |names: &[&str]| Cassette {
            models: names
                .iter()
                .map(|name| {
                    let stamp = crate::cassette::ModelStamp {
                        version: String::new(),
                        sha256: String::new(),
                    };
                    ((*name).to_owned(), stamp)
                })
                .collect(),
            ..Cassette::default()
        };
        let catalog = Catalog::built_in().unwrap();
        assert_eq!(without_models(&stamped(&["Proton"]), &catalog), None);
        assert_eq!(
            without_models(&stamped(&["S3", "Proton", "STS"]), &catalog).unwrap(),
            "the cassette was recorded with the models of `S3`, `STS`, which this run does not have; name them with `--model botocore` or \
             `--model FILE`"
        );
    }

    #[test]
    fn what_is_typed_counts_over_what_is_settled() {
        let settings = "match.order = \"strict\"\nmatch.fold = [\"polls\"]\nbind = [{ from = \"Put:/a\" }]";
        let run = RunArguments {
            settings: toml::from_str(settings).unwrap(),
            ..run_arguments()
        };
        let typed = MatchArguments {
            order: Some(Order::Key),
            fold: vec![Fold::Retries],
            bind: vec![Binding::Of("Put:/b".parse().unwrap()), Binding::Proposed],
            accounts: Vec::new(),
        };
        let rules = typed.rules(&run);
        assert_eq!(rules.matching.order, Some(Order::Key));
        assert_eq!(rules.matching.fold, [Fold::Polls, Fold::Retries]);
        assert_eq!(rules.bind.len(), 2);
        assert!(typed.proposes() && !MatchArguments::default().proposes());
    }

    fn run_arguments() -> RunArguments {
        use clap::Parser;
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            run: RunArguments,
        }
        Line::parse_from(["x"]).run
    }
}
