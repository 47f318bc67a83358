//! The picture of the results: what a decision costs over how many policies there are, both axes logarithmic.

use std::fs;

use crate::results::{Row, axes, beside, find};
use crate::tables::{thousands, time};

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 520.0;
/// The plot's edges: left, right, top, bottom.
const EDGES: (f64, f64, f64, f64) = (80.0, 700.0, 64.0, 460.0);
/// Ours is the one that stands out.
const COLOURS: [&str; 6] = ["#0b6e4f", "#8a8f98", "#c2410c", "#7c3aed", "#0891b2", "#1d4ed8"];

struct Axes {
    policies: (f64, f64),
    cost: (f64, f64),
}

impl Axes {
    fn x(&self, policies: f64) -> f64 {
        EDGES.0 + (EDGES.1 - EDGES.0) * share(policies, self.policies)
    }

    fn y(&self, cost: f64) -> f64 {
        EDGES.3 - (EDGES.3 - EDGES.2) * share(cost, self.cost)
    }
}

fn share(value: f64, (from, to): (f64, f64)) -> f64 {
    (value.log10() - from.log10()) / (to.log10() - from.log10())
}

/// Writes `decision.svg`.
pub fn draw(rows: &[Row]) {
    let (engines, sizes) = axes(rows, "mix");
    let costs: Vec<f64> = rows.iter().filter(|row| row.case == "mix").map(|row| row.decision_ns).collect();
    let least = costs.iter().copied().fold(f64::INFINITY, f64::min).log10().floor();
    let most = costs.iter().copied().fold(1.0, f64::max).log10().ceil();
    let (first, last) = (sizes[0] as f64, sizes[sizes.len() - 1] as f64);
    let axes = Axes { policies: (first, last), cost: (10f64.powf(least), 10f64.powf(most)) };
    let mut parts = vec![opening(), grid(&axes, &sizes, least as i32, most as i32)];
    parts.extend(
        engines.iter().zip(COLOURS).map(|(engine, colour)| line(&axes, rows, engine, &sizes, colour)),
    );
    parts.push(labels(&axes, rows, &engines, sizes[sizes.len() - 1]));
    fs::write(beside("decision.svg"), parts.concat() + "</svg>\n").expect("decision.svg");
}

fn opening() -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"system-ui, sans-serif\" font-size=\"14\" fill=\"#24292f\" role=\"img\" aria-label=\"What a decision costs, by the number of policies\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n\
         <text x=\"{0}\" y=\"30\" font-size=\"17\" font-weight=\"600\">What a decision costs, by the number of policies</text>\n\
         <text x=\"{0}\" y=\"50\" fill=\"#57606a\">the realistic mix; both axes logarithmic</text>\n",
        EDGES.0
    )
}

fn grid(axes: &Axes, sizes: &[usize], least: i32, most: i32) -> String {
    let (left, right, top, bottom) = EDGES;
    let across = (least..=most).map(|power| {
        let cost = 10f64.powi(power);
        let y = axes.y(cost);
        let label = time(cost).replace(".00", "").replace(".0", "");
        format!(
            "<path d=\"M{left} {y:.1}H{right}\" stroke=\"#d8dee4\"/>\n<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>\n",
            left - 10.0,
            y + 5.0
        )
    });
    let up = sizes.iter().map(|size| {
        let x = axes.x(*size as f64);
        format!(
            "<path d=\"M{x:.1} {top}V{bottom}\" stroke=\"#eaeef2\"/>\n<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\n",
            bottom + 22.0,
            thousands(*size as f64)
        )
    });
    let name = format!(
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">policies, each with a Role</text>\n",
        (left + right) / 2.0,
        bottom + 46.0
    );
    across.chain(up).chain([name]).collect()
}

fn line(axes: &Axes, rows: &[Row], engine: &str, sizes: &[usize], colour: &str) -> String {
    let points: Vec<(f64, f64)> = sizes
        .iter()
        .filter_map(|size| find(rows, "mix", engine, *size))
        .map(|row| (axes.x(row.policies as f64), axes.y(row.decision_ns)))
        .collect();
    let width = if engine == "faas-iam" { 3.5 } else { 2.0 };
    let path: Vec<_> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let dots: String = points
        .iter()
        .map(|(x, y)| format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>\n"))
        .collect();
    format!(
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"/>\n{dots}",
        path.join(" ")
    )
}

/// Each line's name at its end, moved apart where two would overlap.
fn labels(axes: &Axes, rows: &[Row], engines: &[String], last: usize) -> String {
    let mut named: Vec<_> = engines
        .iter()
        .zip(COLOURS)
        .filter_map(|(engine, colour)| {
            Some((axes.y(find(rows, "mix", engine, last)?.decision_ns), engine, colour))
        })
        .collect();
    named.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut lowest = f64::NEG_INFINITY;
    let mut label = |(y, engine, colour): (f64, &String, &str)| {
        lowest = f64::max(y, lowest + 19.0);
        let weight = if engine == "faas-iam" { 700 } else { 400 };
        format!(
            "<text x=\"{}\" y=\"{:.1}\" fill=\"{colour}\" font-weight=\"{weight}\">{engine}</text>\n",
            EDGES.1 + 14.0,
            lowest + 5.0
        )
    };
    named.into_iter().map(&mut label).collect()
}
