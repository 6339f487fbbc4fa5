//! The statistics of verdicts: pure functions of data.
