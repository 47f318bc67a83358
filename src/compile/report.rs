//! From a report to the conditions of a status. Compares ignoring time, so that nothing is written twice.
