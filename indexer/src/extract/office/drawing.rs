//! Charts and diagrams (`SmartArt`) that Office documents show, from the parts that hold them.
//!
//! Owns what they say as text: a chart is the table it was drawn from, a diagram its words. Called by
//! the readers of Word documents and presentations where one stands.

use std::collections::BTreeMap;

use super::flow::Piece;
use super::package::{Package, Relations};
use super::table::Table;
use super::workbook;
use super::xml::{Broken, Element, Node, Xml};

/// A chart with more points draws measurements, which say nothing as text.
const MOST_POINTS: usize = 2000;

/// What the element `c:chart` or `dgm:relIds` of a document shows.
pub(super) fn pieces(
    package: &mut Package<'_>,
    relations: &Relations,
    element: &Element<'_>,
) -> Vec<Piece> {
    let is_chart = element.name() == "chart";
    let id = element.prefixed(if is_chart { "id" } else { "dm" });
    let part = id.as_deref().and_then(|id| relations.part(id));
    let Some(text) = part.map(|part| package.optional(part)) else {
        return Vec::new();
    };
    let mut xml = Xml::new(&text);
    if is_chart {
        let mut chart = Chart::default();
        // What was read before damage still holds.
        let _ = chart.read(&mut xml);
        chart.pieces()
    } else {
        words(&mut xml)
    }
}

/// The paragraphs of a diagram.
fn words(xml: &mut Xml<'_>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut paragraph = String::new();
    while let Ok(Some(node)) = xml.next() {
        match node {
            Node::Open(element) if element.name() == "t" => {
                paragraph.push_str(&xml.text().unwrap_or_default());
            }
            Node::Close if xml.closed() == "p" && !paragraph.trim().is_empty() => {
                let text = std::mem::take(&mut paragraph);
                pieces.push(Piece::Item(0, format!("- {}", text.trim())));
            }
            _ => {}
        }
    }
    pieces
}

#[derive(Default)]
struct Chart {
    title: String,
    series: Vec<Series>,
}

/// A row of points, by their index.
#[derive(Default)]
struct Series {
    name: String,
    labels: BTreeMap<usize, String>,
    values: BTreeMap<usize, String>,
}

impl Chart {
    fn read(&mut self, xml: &mut Xml<'_>) -> Result<(), Broken> {
        while let Some(node) = xml.next()? {
            let Node::Open(element) = node else {
                continue;
            };
            match element.name() {
                "title" if xml.parent() == "chart" => self.title = xml.text()?,
                "ser" => self.series.push(Series::default()),
                "tx" if xml.parent() == "ser" => {
                    let name = points(xml)?.into_values().next();
                    if let Some(series) = self.series.last_mut() {
                        series.name = name.unwrap_or_default();
                    }
                }
                "cat" | "xVal" => {
                    let labels = points(xml)?;
                    if let Some(series) = self.series.last_mut() {
                        series.labels = labels;
                    }
                }
                "val" | "yVal" => {
                    let values = points(xml)?;
                    if let Some(series) = self.series.last_mut() {
                        series.values = values;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn pieces(self) -> Vec<Piece> {
        let mut pieces = vec![Piece::Paragraph(self.title)];
        let points: usize = self.series.iter().map(|series| series.values.len()).sum();
        let Some(first) = self.series.first().filter(|_| points <= MOST_POINTS) else {
            return pieces;
        };
        let names = self.series.iter().map(|series| series.name.clone());
        let mut rows = vec![std::iter::once(String::new()).chain(names).collect()];
        for index in first.values.keys() {
            let label = first.labels.get(index).cloned().unwrap_or_default();
            let values = self.series.iter().map(|series| {
                let value = series.values.get(index);
                value.cloned().unwrap_or_default()
            });
            rows.push(std::iter::once(label).chain(values).collect());
        }
        if rows.len() > 1 {
            pieces.push(Piece::Table(Table::of(rows, true)));
        }
        pieces
    }
}

/// The points in the element just opened. A name that is no reference to cells is point 0.
fn points(xml: &mut Xml<'_>) -> Result<BTreeMap<usize, String>, Broken> {
    let mut points = BTreeMap::new();
    let mut index = 0;
    let mut code = String::new();
    xml.within(|xml, element| {
        match element.name() {
            "pt" => index = element.number("idx").unwrap_or(0),
            "v" => {
                let value = xml.text()?;
                let number = value.trim().parse().ok();
                let shown = number.map(|number| workbook::formatted(number, &code));
                points.insert(index, shown.unwrap_or(value));
            }
            "formatCode" => code = xml.text()?,
            "f" => return xml.skip(),
            _ => {}
        }
        Ok(())
    })?;
    Ok(points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_is_its_table() {
        let text = "<c:chartSpace><c:chart><c:title><a:t>Ships in port</a:t></c:title><c:plotArea>
            <c:ser><c:tx><c:strRef><c:f>A!B1</c:f><c:strCache><c:pt idx='0'><c:v>Sail</c:v></c:pt>
            </c:strCache></c:strRef></c:tx><c:cat><c:formatCode>m/d/yyyy</c:formatCode><c:pt
            idx='0'><c:v>45416</c:v></c:pt><c:pt idx='1'><c:v>45417</c:v></c:pt></c:cat><c:val><c:formatCode>0.0</c:formatCode>
            <c:pt idx='0'><c:v>0.30000000000000004</c:v></c:pt><c:pt idx='1'><c:v>9</c:v></c:pt>
            </c:val></c:ser></c:plotArea></c:chart></c:chartSpace>";
        let mut chart = Chart::default();
        chart.read(&mut Xml::new(text)).expect("sound");
        let pieces = chart.pieces();
        let limits = super::super::super::Limits::new("unused".into());
        let mut flow = super::super::flow::Flow::new(&limits);
        flow.add_all(pieces);
        let text = flow.finish("test", None, &limits).expect("text").text;
        assert_eq!(
            text,
            "Ships in port\n\n5/4/2024 (2024-05-04); Sail: 0.3\n5/5/2024 (2024-05-05); Sail: 9.0"
        );
    }

    #[test]
    fn a_diagram_is_its_words() {
        let text = "<d><p><r><t>Load</t></r></p><p/><p><t>Sa</t><t>il</t></p></d>";
        let pieces = words(&mut Xml::new(text));
        let items: Vec<_> = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Item(_, text) => text.as_str(),
                _ => "",
            })
            .collect();
        assert_eq!(items, ["- Load", "- Sail"]);
    }
}
