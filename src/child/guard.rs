//! Keeps the command away from what Ferrotape itself holds: the user's credentials.

use std::io;

/// From here on no program of the same user can read this process's environment or memory, or trace
/// it, and it leaves no core file (Linux, `PR_SET_DUMPABLE`; elsewhere nothing changes). Programs that
/// it starts are as readable as ever. Whoever may do anything (root) still can.
///
/// # Errors
/// Where the system does not allow it.
pub fn hide_from_siblings() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}
