//! The curve as a picture: attempts above, connected clients below, over the same time.

use core::{fmt::Display, ops::Range};

use plotters::{
    chart::ChartContext,
    coord::{Shift, ranged1d::ValueFormatter, types::RangedCoordf64},
    prelude::*,
};

use super::{Report, ReportError};

const SIZE: (u32, u32) = (900, 620);
/// Drawn in different colours and, for those who do not see them, in different panels.
const ATTEMPTS: RGBColor = RGBColor(0xc4, 0x4e, 0x1d);
const CONNECTED: RGBColor = RGBColor(0x1f, 0x5f, 0xa8);
const CAPACITY: RGBColor = RGBColor(0x33, 0x33, 0x33);
const FONT: &str = "sans-serif";

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

pub(super) fn draw(report: &Report) -> Result<String, ReportError> {
    let mut svg = String::new();
    let drawn = {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        panels(report, &root).and_then(|()| root.present().map_err(unwritten))
    };
    drawn.map(|()| svg)
}

fn panels(report: &Report, root: &Area<'_>) -> Result<(), ReportError> {
    root.fill(&WHITE).map_err(unwritten)?;
    let title: String =
        format!("{}: {}", report.policy, report.scenario).chars().filter(printable).collect();
    let below = root.titled(&title, (FONT, 20)).map_err(unwritten)?;
    let below = below.titled(&summary(report), (FONT, 14)).map_err(unwritten)?;
    let (upper, lower) = below.split_vertically(below.dim_in_pixel().1 / 2);
    attempts(report, &upper)?;
    connected(report, &lower)
}

/// What XML cannot hold, not even escaped.
fn printable(letter: &char) -> bool {
    !letter.is_control()
}

fn summary(report: &Report) -> String {
    let last = match (report.time_to_last_s, report.time_ratio) {
        (Some(last), Some(ratio)) => format!("all back after {last:.1} s, {ratio:.2} × ideal"),
        _ => format!("{} of them connected in the end", grouped(report.connected.into())),
    };
    let [clients, capacity, backlog] =
        [report.clients, report.capacity_per_second, report.backlog].map(|n| grouped(n.into()));
    let attempts = report.attempts_per_client;
    format!(
        "{clients} clients, {capacity} connections/s, queue of {backlog}: \
         {attempts:.2} attempts a client, {last}"
    )
}

/// A whole number with its digits in groups of three.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn attempts(report: &Report, area: &Area<'_>) -> Result<(), ReportError> {
    let curve = &report.curve;
    let most = curve.attempts.iter().copied().max().unwrap_or(0);
    let bucket_s = curve.bucket_ms as f64 / 1_000.0;
    let capacity = f64::from(report.capacity_per_second) * bucket_s;
    // A storm is hundreds of times what a server can take: only a logarithm shows both.
    let top = (most as f64).max(capacity).max(10.0) * 1.5;
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .x_label_area_size(28)
        .y_label_area_size(84)
        .build_cartesian_2d(time(report), (0.7..top).log_scale())
        .map_err(unwritten)?;
    mesh(&mut chart, &format!("attempts in {bucket_s} s (logarithmic)"), "")?;
    let steps = steps(report, &curve.attempts).map(|(at, count)| (at, count.max(0.7)));
    chart
        .draw_series(LineSeries::new(steps, ATTEMPTS))
        .map_err(unwritten)?
        .label("attempts")
        .legend(|at| key(at, ATTEMPTS));
    let span = time(report);
    chart
        .draw_series(LineSeries::new([(span.start, capacity), (span.end, capacity)], CAPACITY))
        .map_err(unwritten)?
        .label("capacity")
        .legend(|at| key(at, CAPACITY));
    legend(&mut chart, SeriesLabelPosition::UpperRight)
}

fn connected(report: &Report, area: &Area<'_>) -> Result<(), ReportError> {
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .x_label_area_size(44)
        .y_label_area_size(84)
        .build_cartesian_2d(time(report), 0.0..f64::from(report.clients) * 1.05)
        .map_err(unwritten)?;
    mesh(&mut chart, "clients connected", "seconds")?;
    let line = LineSeries::new(steps(report, &report.curve.connected), CONNECTED.stroke_width(2));
    chart
        .draw_series(line)
        .map_err(unwritten)?
        .label("connected clients")
        .legend(|at| key(at, CONNECTED));
    legend(&mut chart, SeriesLabelPosition::LowerRight)
}

/// A point for each bucket at its end, where the number of connected clients holds.
fn steps(report: &Report, counts: &[u64]) -> impl Iterator<Item = (f64, f64)> {
    let curve = &report.curve;
    counts.iter().enumerate().map(|(bucket, &count)| (curve.begins_s(bucket + 1), count as f64))
}

fn time(report: &Report) -> Range<f64> {
    0.0..report.curve.begins_s(report.curve.len().max(1)).max(0.1)
}

fn key((x, y): (i32, i32), colour: RGBColor) -> PathElement<(i32, i32)> {
    PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(2))
}

type Chart<'a, Y> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, Y>>;

fn mesh<Y>(chart: &mut Chart<'_, Y>, counts: &str, time: &str) -> Result<(), ReportError>
where
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.15))
        .label_style((FONT, 13))
        .axis_desc_style((FONT, 14))
        .y_desc(counts)
        .x_desc(time)
        .y_label_formatter(&|count| grouped(*count))
        .x_label_formatter(&|seconds| format!("{}", super::report::rounded(*seconds, 2)))
        .draw()
        .map_err(unwritten)
}

fn legend<'a, Y>(chart: &mut Chart<'a, Y>, at: SeriesLabelPosition) -> Result<(), ReportError>
where
    Y: Ranged<ValueType = f64> + 'a,
{
    chart
        .configure_series_labels()
        .position(at)
        .label_font((FONT, 13))
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.3))
        .draw()
        .map_err(unwritten)
}

fn unwritten(error: impl Display) -> ReportError {
    ReportError::Svg(error.to_string())
}
