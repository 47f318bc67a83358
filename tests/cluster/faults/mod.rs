//! Whatever may go wrong, on purpose and named: `tests/faults.md` has the table.

mod crash;
mod first;
mod gateway;
mod held;
mod leaders;
mod restarts;
mod scene;
