//! One measured figure, as a row of a table and as a JSON line.

use serde::Serialize;

/// A figure and, where there is one, the most or the least it may be.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    bench: &'static str,
    metric: String,
    value: f64,
    unit: &'static str,
    aim: Option<f64>,
    ok: Option<bool>,
    #[serde(skip)]
    least: bool,
}

impl Figure {
    /// A figure without an aim.
    #[must_use]
    pub fn new(bench: &'static str, metric: &str, value: f64, unit: &'static str) -> Self {
        let value = (value * 1000.0).round() / 1000.0;
        Self {
            bench,
            metric: metric.to_owned(),
            value,
            unit,
            aim: None,
            ok: None,
            least: false,
        }
    }

    /// The most it may be.
    #[must_use]
    pub fn at_most(self, aim: f64) -> Self {
        Self {
            aim: Some(aim),
            ok: Some(self.value <= aim),
            ..self
        }
    }

    /// The least it may be.
    #[must_use]
    pub fn at_least(self, aim: f64) -> Self {
        Self {
            aim: Some(aim),
            ok: Some(self.value >= aim),
            least: true,
            ..self
        }
    }

    /// Whether it misses its aim.
    #[must_use]
    pub fn misses(&self) -> bool {
        self.ok == Some(false)
    }

    fn row(&self) -> String {
        let sign = ["≤", "≥"][usize::from(self.least)];
        let aim = self
            .aim
            .map_or(String::new(), |aim| format!("{sign} {aim}"));
        let verdict = match self.ok {
            Some(true) => "ok",
            Some(false) => "MISSED",
            None => "",
        };
        format!(
            "{:<60} {:>10.2} {:<8} {aim:>8}  {verdict}\n",
            self.metric, self.value, self.unit
        )
    }
}

/// All figures as a table for people and lines for programs.
#[must_use]
pub fn report(figures: &[Figure]) -> String {
    let rows: String = figures.iter().map(Figure::row).collect();
    let lines = figures
        .iter()
        .filter_map(|figure| serde_json::to_string(figure).ok());
    format!("\n{rows}\n{}\n", lines.collect::<Vec<_>>().join("\n"))
}

/// The value below which a share of the samples lies; not a number without samples.
#[must_use]
pub fn percentile(samples: &[f64], share: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1) as f64;
    sorted
        .get((last * share).round() as usize)
        .copied()
        .unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples() {
        let samples = [5.0, 1.0, 2.0, 4.0, 3.0];
        assert_eq!(
            [0.0, 0.5, 1.0].map(|share| percentile(&samples, share)),
            [1.0, 3.0, 5.0]
        );
        assert!(percentile(&[], 0.5).is_nan());
    }

    #[test]
    fn a_figure_above_its_aim_misses_it() {
        let figure = Figure::new("thread", "memory", 26.0, "MB");
        assert!(!figure.clone().misses());
        assert!(figure.clone().at_most(25.0).misses());
        assert!(!figure.clone().at_least(26.0).misses() && figure.clone().at_least(27.0).misses());
        assert!(report(&[figure.at_most(25.0)]).contains(r#""aim":25.0,"ok":false"#));
    }
}
