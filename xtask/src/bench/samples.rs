//! What was measured.

/// Is what was measured of one thing, or why nothing was.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    /// The figures, smallest first; there is at least one.
    Measured(Vec<f64>),
    /// There is none.
    Missing(String),
}

impl Cell {
    /// A single figure.
    pub(crate) fn of(figure: f64) -> Cell {
        Cell::Measured(vec![figure])
    }

    /// Nothing, for a reason in a few words.
    pub(crate) fn missing(why: impl Into<String>) -> Cell {
        Cell::Missing(why.into())
    }

    /// Adds what was measured once more: figures go before reasons, and the last reason
    /// stays.
    pub(crate) fn join(&mut self, other: Cell) {
        match (&mut *self, other) {
            (Cell::Measured(figures), Cell::Measured(more)) => {
                figures.extend(more);
                figures.sort_by(f64::total_cmp);
            }
            (Cell::Measured(_), Cell::Missing(_)) => {}
            (Cell::Missing(_), other) => *self = other,
        }
    }

    /// The smallest figure: what was disturbed least.
    pub(crate) fn best(&self) -> Option<f64> {
        self.figures().first().copied()
    }

    /// The figure in the middle.
    pub(crate) fn median(&self) -> Option<f64> {
        let figures = self.figures();
        let upper = *figures.get(figures.len() / 2)?;
        let lower = *figures.get((figures.len() - 1) / 2)?;
        Some(f64::midpoint(lower, upper))
    }

    /// All figures.
    pub(crate) fn figures(&self) -> &[f64] {
        match self {
            Cell::Measured(figures) => figures,
            Cell::Missing(_) => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn best_and_median() {
        let mut cell = Cell::missing("not there");
        cell.join(Cell::of(5.0));
        cell.join(Cell::missing("lost"));
        for figure in [1.0, 9.0, 7.0] {
            cell.join(Cell::of(figure));
        }
        assert_eq!((cell.best(), cell.median()), (Some(1.0), Some(6.0)));
        cell.join(Cell::of(8.0));
        assert_eq!(cell.median(), Some(7.0));
    }

    #[test]
    fn the_last_reason_stays() {
        let mut cell = Cell::missing("-");
        cell.join(Cell::missing("one CPU"));
        assert_eq!((cell.best(), cell.median()), (None, None));
        assert_eq!(cell, Cell::missing("one CPU"));
    }
}
