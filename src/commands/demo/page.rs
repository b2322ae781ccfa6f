//! The demo's page: numbered steps, the commands they run, what those said.

use crate::terminal::{self, COMMAND, FAINT, TITLE};
use std::cell::Cell;

/// Writes to standard output as the demo goes.
pub(super) struct Page {
    steps: Cell<usize>,
}

impl Page {
    pub fn new() -> Page {
        Page { steps: Cell::new(0) }
    }

    pub fn opening(&self) {
        terminal::styled_line(&format!(
            "{TITLE}Ferrotape{TITLE:#} records what a program says to AWS, replays it without AWS, and holds every"
        ));
        terminal::styled_line("request against the service's own model. This page does all of it, for AWS Proton");
        terminal::styled_line("CreateServiceInstance and AWS Service Catalog CreateProvisioningArtifact.");
    }

    pub fn step(&self, title: &str) {
        self.steps.set(self.steps.get() + 1);
        terminal::styled_line(&format!("\n{TITLE}{}. {title}{TITLE:#}", self.steps.get()));
    }

    pub fn command(&self, command: &str) {
        terminal::styled_line(&format!("   {COMMAND}$ {command}{COMMAND:#}"));
    }

    pub fn output(&self, text: &str) {
        for line in text.lines() {
            terminal::styled_line(&format!("   {FAINT}│{FAINT:#} {line}"));
        }
    }

    pub fn text(&self, text: &str) {
        terminal::styled_line(&format!("   {text}"));
    }

    pub fn closing(&self) {
        terminal::styled_line(&format!(
            "\n{TITLE}All {} steps did what they say.{TITLE:#} On your own tests:",
            self.steps.get()
        ));
        for (command, what) in [
            ("ferrotape record -c orders -- pytest tests/", "once, with AWS credentials"),
            ("ferrotape replay -c orders -- pytest tests/", "from then on, offline"),
            ("ferrotape verify", "judge every cassette again"),
            (
                "ferrotape synth proton CreateServiceInstance -c proton",
                "where there is nothing to record from",
            ),
        ] {
            terminal::styled_line(&format!("   {COMMAND}{command:<56}{COMMAND:#} {FAINT}# {what}{FAINT:#}"));
        }
    }
}
