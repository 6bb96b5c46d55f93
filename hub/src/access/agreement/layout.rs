//! Setting an agreement on pages: paragraphs, headings, two columns of signatures.

use super::pdf::{PAGE, Run};

const MARGIN: f32 = 72.0;
const BOTTOM: f32 = 78.0;
const TEXT: f32 = 11.5;
const NOTE: f32 = 9.0;
const LEADING: f32 = 1.65;
/// What never begins a line.
const CLOSING: &str = "，。；：、！？）》〕”’,.;:)";
/// What never ends a line.
const OPENING: &str = "（《〔“‘(";

/// One thing on the paper, from top to bottom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A line of the title, in the middle.
    Title(String),
    /// `第一条 …`
    Heading(String),
    /// A paragraph; an indented one begins two characters in.
    Paragraph {
        /// The words.
        text: String,
        /// Whether it begins two characters in.
        indented: bool,
    },
    /// The signatures of both, side by side.
    Columns(Vec<(String, String)>),
    /// Small print.
    Note(String),
}

/// Sets blocks on pages; `foot` stands below each, followed by the page's number.
pub fn pages(blocks: &[Block], foot: &str, width: &impl Fn(char) -> f32) -> Vec<Vec<Run>> {
    let mut setter = Setter {
        width,
        pages: vec![Vec::new()],
        y: PAGE.1 - MARGIN,
    };
    for block in blocks {
        setter.set(block);
    }
    let mut pages = setter.pages;
    let count = pages.len();
    for (n, page) in pages.iter_mut().enumerate() {
        let text = format!("{foot}　第 {} 页 共 {count} 页", n + 1);
        let x = (PAGE.0 - length(&text, NOTE, width)) / 2.0;
        page.push(run(x, 44.0, NOTE, text));
    }
    pages
}

struct Setter<'a, W> {
    width: &'a W,
    pages: Vec<Vec<Run>>,
    y: f32,
}

impl<W: Fn(char) -> f32> Setter<'_, W> {
    fn set(&mut self, block: &Block) {
        match block {
            Block::Title(text) => {
                let size = 16.0;
                self.feed(size);
                let x = (PAGE.0 - length(text, size, self.width)) / 2.0;
                self.push(Run {
                    bold: true,
                    ..run(x, self.y, size, text.clone())
                });
                self.y -= 6.0;
            }
            Block::Heading(text) => {
                self.y -= 4.0;
                // Never alone at the foot of a page.
                if self.y - 2.0 * TEXT * LEADING < BOTTOM {
                    self.turn();
                }
                self.feed(TEXT);
                self.push(Run {
                    bold: true,
                    ..run(MARGIN, self.y, TEXT, text.clone())
                });
            }
            Block::Paragraph { text, indented } => {
                let indent = if *indented { 2.0 * TEXT } else { 0.0 };
                self.paragraph(text, TEXT, indent);
            }
            Block::Columns(rows) => self.columns(rows),
            Block::Note(text) => self.paragraph(text, NOTE, 0.0),
        }
    }

    fn paragraph(&mut self, text: &str, size: f32, indent: f32) {
        let room = PAGE.0 - 2.0 * MARGIN;
        for (n, line) in broken(text, size, (indent, room), self.width)
            .into_iter()
            .enumerate()
        {
            self.feed(size);
            let x = if n == 0 { MARGIN + indent } else { MARGIN };
            self.push(run(x, self.y, size, line));
        }
    }

    /// Both columns stay together on one page.
    fn columns(&mut self, rows: &[(String, String)]) {
        let row = TEXT * 2.2;
        let height: f32 = rows.iter().map(|_| row).sum();
        if self.y - height - 18.0 < BOTTOM {
            self.turn();
        }
        self.y -= 18.0;
        let middle = PAGE.0 / 2.0 + 12.0;
        for (left, right) in rows {
            self.y -= row;
            self.push(run(MARGIN, self.y, TEXT, left.clone()));
            self.push(run(middle, self.y, TEXT, right.clone()));
        }
        self.y -= 22.0;
    }

    /// Goes down to the next line.
    fn feed(&mut self, size: f32) {
        if self.y - size * LEADING < BOTTOM {
            self.turn();
        }
        self.y -= size * LEADING;
    }

    fn turn(&mut self) {
        self.pages.push(Vec::new());
        self.y = PAGE.1 - MARGIN;
    }

    fn push(&mut self, run: Run) {
        let page = self.pages.last_mut();
        page.expect("invariant: there is a page").push(run);
    }
}

fn run(x: f32, y: f32, size: f32, text: String) -> Run {
    Run {
        x,
        y,
        size,
        bold: false,
        text,
    }
}

fn length(text: &str, size: f32, width: &impl Fn(char) -> f32) -> f32 {
    text.chars().map(|char| width(char) * size).sum()
}

/// Lines that fit; words of Latin letters and numbers stay whole, and no line begins with a
/// closing mark.
fn broken(
    text: &str,
    size: f32,
    (indent, room): (f32, f32),
    width: &impl Fn(char) -> f32,
) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut left = room - indent;
    for piece in pieces(text, room / size, width) {
        let needed = length(&piece, size, width);
        if needed > left && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
            left = room;
        }
        line.push_str(&piece);
        left -= needed;
    }
    lines.push(line);
    lines
}

/// What must not be broken: a character with the marks around it, or a word that fits a line.
fn pieces(text: &str, ems_max: f32, width: &impl Fn(char) -> f32) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    for char in text.chars() {
        let joins = pieces.last().is_some_and(|last| {
            let before = last.chars().next_back().unwrap_or(' ');
            let word = before.is_ascii_alphanumeric() && char.is_ascii_alphanumeric();
            let fits = length(last, 1.0, width) + width(char) < ems_max;
            (word && fits) || CLOSING.contains(char) || OPENING.contains(before)
        });
        match pieces.last_mut() {
            Some(last) if joins => last.push(char),
            _ => pieces.push(char.into()),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chinese characters are as wide as high, the others half as wide.
    fn width(char: char) -> f32 {
        if char.is_ascii() { 0.5 } else { 1.0 }
    }

    #[test]
    fn lines_fit_and_never_begin_with_a_closing_mark() {
        let text = "甲方有权视情节采取以下措施，并按《协议》2026-09-01追究责任。".repeat(5);
        let lines = broken(&text, 10.0, (20.0, 100.0), &width);
        assert_eq!(lines.concat(), text);
        for line in &lines {
            let first = line.chars().next().unwrap();
            let last = line.chars().next_back().unwrap();
            assert!(!CLOSING.contains(first), "{line}");
            assert!(!OPENING.contains(last), "{line}");
            assert!(length(line, 10.0, &width) <= 100.0, "{line}");
        }
        assert!(length(&lines[0], 10.0, &width) <= 80.0);
    }

    #[test]
    fn a_word_longer_than_a_line_is_broken_all_the_same() {
        let lines = broken(&"a".repeat(64), 10.0, (0.0, 100.0), &width);
        assert!(lines.len() > 3 && lines.concat().len() == 64);
    }

    #[test]
    fn a_full_page_is_followed_by_another() {
        let paragraph = Block::Paragraph {
            text: "保密".into(),
            indented: true,
        };
        let blocks = vec![paragraph; 60];
        let set = pages(&blocks, "BM-00001", &width);
        assert_eq!(set.len(), 2);
        assert_eq!(set.concat().len(), 62, "60 paragraphs and two feet");
        assert!(set[1].last().unwrap().text.ends_with("第 2 页 共 2 页"));
        assert!(set.concat().iter().all(|run| run.y > 40.0 && run.x > 0.0));
    }
}
