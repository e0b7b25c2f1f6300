//! What a PDF page draws, as glyphs with their places.
//!
//! Owns the part of the page language that moves text about; lines and colours are passed over unread, and of
//! pictures only the size is taken. It knows fonts by `typeface` and hands glyphs to `layout`. Whatever a file says, this
//! ends: forms are entered a limited number of times and deep.

use std::collections::HashMap;
use std::rc::Rc;

use hayro_font::FontCache;
use hayro_font::kurbo::{Affine, Point, Rect, Vec2};
use hayro_syntax::content::TypedIter;
use hayro_syntax::content::ops::TypedInstruction as Instruction;
use hayro_syntax::object::{Array, Dict, Name, Number, Object, ObjectIdentifier, Stream};
use hayro_syntax::page::{Page, Resources};
use hayro_syntax::xref::XRef;

use super::layers::Layers;
use super::notes::{self, Said};
use super::typeface::{Collections, Typeface};
use crate::extract::layout::{Glyph, PageLayout};

/// Forms may contain forms. Honest ones nest a few levels.
const MAX_DEPTH: usize = 24;

/// Forms that one page may draw; maps and music scores have thousands.
const MAX_FORMS: usize = 50_000;

/// Instructions that one page may give, some hundred megabytes of them.
const MAX_INSTRUCTIONS: usize = 20_000_000;

/// States that a page may set aside.
const MAX_SAVED: usize = 1000;

/// Pictures that cover more of a page may be what it says.
const PICTURED: f64 = 0.4;

/// Without one of these in order, what follows is in the wrong place or missing.
const MOVES_TEXT: &[&[u8]] = &[
    b"cm", b"Tf", b"Td", b"TD", b"Tm", b"Tj", b"TJ", b"TL", b"'", b"\"", b"Do",
];

/// Reads the pages of one document.
pub(super) struct Content<'a> {
    fonts: FontCache<'a>,
    typefaces: HashMap<ObjectIdentifier, Option<Rc<Typeface<'a>>>>,
    collections: Collections,
    layers: Layers,
}

/// What remains the same while a page is read, and what is left to spend on it.
struct Canvas<'l> {
    layout: &'l mut PageLayout,
    frame: Rect,
    /// Area of the pictures on it.
    pictured: f64,
    forms: usize,
    instructions: usize,
    /// Something was left out because of the limits.
    cut_short: bool,
    /// Something was left out because it makes no sense.
    broken: bool,
}

/// The page was not read to its end.
struct Stopped;

/// How much of a page was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    Complete,
    /// Not everything, but all that anybody should try.
    Enough,
    /// Something on the page makes no sense; another reader may know better.
    Broken,
}

#[derive(Clone)]
struct Text<'a> {
    typeface: Option<Rc<Typeface<'a>>>,
    size: f64,
    letter_space: f64,
    word_space: f64,
    stretch: f64,
    leading: f64,
    rise: f64,
}

#[derive(Clone)]
struct State<'a> {
    matrix: Affine,
    text: Text<'a>,
}

/// A marked part of the content.
enum Mark {
    Plain,
    /// Switched off, as layers may be.
    Hidden,
    /// Stands for other text, given until the first glyph in it was drawn.
    Replaced(Option<String>),
}

impl<'a> Content<'a> {
    pub(super) fn new(xref: &'a XRef) -> Self {
        Self {
            fonts: FontCache::new(),
            typefaces: HashMap::new(),
            collections: Collections::default(),
            layers: Layers::new(xref),
        }
    }

    /// Hands a page's glyphs to `layout`; also says whether pictures cover much of the page.
    pub(super) fn read(&mut self, page: &Page<'a>, layout: &mut PageLayout) -> (Read, bool) {
        let bounds = page.intersected_crop_box();
        let frame = Rect::new(bounds.x0, bounds.y0, bounds.x1, bounds.y1);
        let mut canvas = Canvas {
            layout,
            // What touches the page is on it.
            frame: frame.inflate(frame.width() * 0.01, frame.height() * 0.01),
            pictured: 0.0,
            forms: MAX_FORMS,
            instructions: MAX_INSTRUCTIONS,
            cut_short: false,
            broken: false,
        };
        let followed = self.follow(page, &mut canvas);
        let is_pictured = canvas.pictured > PICTURED * frame.area();
        let read = if canvas.broken {
            Read::Broken
        } else if canvas.cut_short || followed.is_err() {
            Read::Enough
        } else {
            Read::Complete
        };
        (read, is_pictured)
    }

    fn follow(&mut self, page: &Page<'a>, canvas: &mut Canvas<'_>) -> Result<(), Stopped> {
        let (stream, is_whole) = page_stream(page);
        canvas.broken |= !is_whole;
        let run = Run::new(self, canvas, page.resources().clone(), Affine::IDENTITY);
        run.read(&stream, 0)?;
        let notes = page.raw().get::<Array<'_>>("Annots".as_bytes());
        for note in notes.iter().flat_map(Array::iter::<Dict<'_>>) {
            self.note(&note, page, canvas)?;
        }
        Ok(())
    }

    fn note(
        &mut self,
        note: &Dict<'a>,
        page: &Page<'a>,
        canvas: &mut Canvas<'_>,
    ) -> Result<(), Stopped> {
        let Some(place) = notes::place(note) else {
            return Ok(());
        };
        let form = notes::appearance(note);
        let drawn = match &form {
            Some(form) => self.drawn(form, place, page, canvas)?,
            None => String::new(),
        };
        for said in notes::said(note, drawn) {
            let is_written = match said {
                Said::Value { name, value } => canvas.write(place, name, &value),
                Said::Comment(comment) => {
                    let subject = notes::subject(note, place);
                    canvas.layout.comment(subject, comment)
                }
            };
            if !is_written {
                return Err(Stopped);
            }
        }
        Ok(())
    }

    /// What a form draws in a place, by itself.
    fn drawn(
        &mut self,
        form: &Stream<'a>,
        place: Rect,
        page: &Page<'a>,
        canvas: &mut Canvas<'_>,
    ) -> Result<String, Stopped> {
        let beside = canvas.layout.beside();
        let whole = std::mem::replace(canvas.layout, beside);
        let fit = notes::fit(form, place);
        let followed = Run::new(self, canvas, page.resources().clone(), fit).form(form, 0);
        let drawn = std::mem::replace(canvas.layout, whole);
        followed.map(|()| drawn.text())
    }

    fn typeface(&mut self, dict: &Dict<'a>) -> Option<Rc<Typeface<'a>>> {
        let Some(id) = dict.obj_id() else {
            return Typeface::new(dict, &self.fonts, &self.collections).map(Rc::new);
        };
        let (fonts, collections) = (&self.fonts, &self.collections);
        self.typefaces
            .entry(id)
            .or_insert_with(|| Typeface::new(dict, fonts, collections).map(Rc::new))
            .clone()
    }
}

impl Canvas<'_> {
    /// Whether a point is on the page. Pages of no size show everything.
    fn shows(&self, point: Point) -> bool {
        self.frame.width() <= 2.0 || self.frame.height() <= 2.0 || self.frame.contains(point)
    }

    /// A picture is drawn in the unit square.
    fn picture(&mut self, matrix: Affine) {
        self.pictured += matrix.determinant().abs();
    }

    /// Writes a value that the file gives without saying how it looks, with its name where the page does not say that.
    fn write(&mut self, place: Rect, name: Option<String>, value: &str) -> bool {
        let size = place.height().clamp(1.0, 12.0);
        let mut lines = value.lines().filter(|line| !line.trim().is_empty());
        let Some(first) = lines.next() else {
            return true;
        };
        let first = match name.filter(|name| !self.layout.has(name)) {
            Some(name) => format!("{}: {first}", name.trim().trim_end_matches(':')),
            None => first.to_owned(),
        };
        // One line stands in the middle of its field.
        let is_alone = place.height() < 2.0 * size;
        let mut baseline = if is_alone {
            place.y0 + (place.height() - size) / 2.0 + 0.2 * size
        } else {
            place.y1 - size
        };
        for line in std::iter::once(first.as_str()).chain(lines) {
            let glyph = Glyph {
                origin: (place.x0, baseline),
                direction: (1.0, 0.0),
                advance: place.width(),
                size,
            };
            if !self.layout.fill_in(glyph, line) {
                return false;
            }
            baseline -= size * 1.2;
        }
        true
    }
}

/// The instructions of a page or form in the course of being followed.
struct Run<'r, 'l, 'a> {
    content: &'r mut Content<'a>,
    canvas: &'r mut Canvas<'l>,
    resources: Resources<'a>,
    state: State<'a>,
    saved: Vec<State<'a>>,
    /// Where the current line of text starts, and where the next glyph goes.
    line: Affine,
    pen: Affine,
    marks: Vec<Mark>,
}

impl<'r, 'l, 'a> Run<'r, 'l, 'a> {
    fn new(
        content: &'r mut Content<'a>,
        canvas: &'r mut Canvas<'l>,
        resources: Resources<'a>,
        matrix: Affine,
    ) -> Self {
        let text = Text {
            typeface: None,
            size: 1.0,
            letter_space: 0.0,
            word_space: 0.0,
            stretch: 1.0,
            leading: 0.0,
            rise: 0.0,
        };
        Self {
            content,
            canvas,
            resources,
            state: State { matrix, text },
            saved: Vec::new(),
            line: Affine::IDENTITY,
            pen: Affine::IDENTITY,
            marks: Vec::new(),
        }
    }

    fn read(mut self, stream: &[u8], depth: usize) -> Result<(), Stopped> {
        let mut instructions = TypedIter::new(stream);
        while let Some(instruction) = instructions.next() {
            let left = self.canvas.instructions.checked_sub(1);
            self.canvas.instructions = left.ok_or(Stopped)?;
            if let Instruction::XObject(name) = instruction {
                self.object(name.0, depth)?;
            } else {
                self.follow(&instruction)?;
            }
        }
        Ok(())
    }

    fn follow(&mut self, instruction: &Instruction<'_, '_>) -> Result<(), Stopped> {
        let text = &mut self.state.text;
        match instruction {
            // Unbalanced files save and never restore.
            Instruction::SaveState(_) if self.saved.len() < MAX_SAVED => {
                self.saved.push(self.state.clone());
            }
            Instruction::RestoreState(_) => {
                if let Some(state) = self.saved.pop() {
                    self.state = state;
                }
            }
            Instruction::Transform(m) => {
                self.state.matrix *= affine([&m.0, &m.1, &m.2, &m.3, &m.4, &m.5]);
            }
            Instruction::SetGraphicsState(name) => self.graphics_state(name.0),
            Instruction::BeginText(_) => {
                (self.line, self.pen) = (Affine::IDENTITY, Affine::IDENTITY);
            }
            Instruction::CharacterSpacing(space) => text.letter_space = space.0.as_f64(),
            Instruction::WordSpacing(space) => text.word_space = space.0.as_f64(),
            Instruction::HorizontalScaling(percent) => text.stretch = percent.0.as_f64() / 100.0,
            Instruction::TextLeading(leading) => text.leading = leading.0.as_f64(),
            Instruction::TextRise(rise) => text.rise = rise.0.as_f64(),
            Instruction::TextFont(font) => {
                text.size = font.1.as_f64();
                let dict = self.resources.get_font(font.0);
                self.state.text.typeface = dict.and_then(|dict| self.content.typeface(&dict));
            }
            Instruction::SetTextMatrix(m) => {
                self.line = affine([&m.0, &m.1, &m.2, &m.3, &m.4, &m.5]);
                self.pen = self.line;
            }
            Instruction::NextLine(to) => self.next_line(to.0.as_f64(), to.1.as_f64()),
            Instruction::NextLineAndSetLeading(to) => {
                text.leading = -to.1.as_f64();
                self.next_line(to.0.as_f64(), to.1.as_f64());
            }
            Instruction::NextLineUsingLeading(_) => self.next_line_by_leading(),
            Instruction::ShowText(shown) => self.show(shown.0.as_bytes())?,
            Instruction::NextLineAndShowText(shown) => {
                self.next_line_by_leading();
                self.show(shown.0.as_bytes())?;
            }
            Instruction::ShowTextWithParameters(shown) => {
                text.word_space = shown.0.as_f64();
                text.letter_space = shown.1.as_f64();
                self.next_line_by_leading();
                self.show(shown.2.as_bytes())?;
            }
            Instruction::ShowTexts(parts) => {
                for part in parts.0.iter::<Object<'_>>() {
                    match part {
                        Object::String(shown) => self.show(shown.as_bytes())?,
                        Object::Number(back) => self.step_back(back.as_f64()),
                        _ => {}
                    }
                }
            }
            Instruction::InlineImage(_) => self.canvas.picture(self.state.matrix),
            Instruction::BeginMarkedContent(_) => self.marks.push(Mark::Plain),
            Instruction::BeginMarkedContentWithProperties(marked) => {
                let mark = self.mark(marked.0, marked.1);
                self.marks.push(mark);
            }
            Instruction::EndMarkedContent(_) => {
                self.marks.pop();
            }
            Instruction::Fallback(operator) => {
                let name: &[u8] = operator;
                self.canvas.broken |= MOVES_TEXT.contains(&name);
            }
            _ => {}
        }
        Ok(())
    }

    fn next_line(&mut self, x: f64, y: f64) {
        self.line *= Affine::translate((x, y));
        self.pen = self.line;
    }

    fn next_line_by_leading(&mut self) {
        self.next_line(0.0, -self.state.text.leading);
    }

    /// Moves the pen back by thousandths of the font's size.
    fn step_back(&mut self, thousandths: f64) {
        let text = &self.state.text;
        let step = -thousandths / 1000.0 * text.size;
        let vertical = text
            .typeface
            .as_ref()
            .is_some_and(|face| face.is_vertical());
        self.pen *= Affine::translate(if vertical {
            (0.0, step)
        } else {
            (step * text.stretch, 0.0)
        });
    }

    fn graphics_state(&mut self, name: &Name<'_>) {
        let Some(state) = self.resources.get_ext_g_state(name) else {
            return;
        };
        let Some(font) = state.get::<Array<'_>>("Font".as_bytes()) else {
            return;
        };
        let mut parts = font.flex_iter();
        if let (Some(dict), Some(size)) = (parts.next::<Dict<'_>>(), parts.next::<Number>()) {
            self.state.text.typeface = self.content.typeface(&dict);
            self.state.text.size = size.as_f64();
        }
    }

    fn show(&mut self, codes: &[u8]) -> Result<(), Stopped> {
        let text = self.state.text.clone();
        let Some(typeface) = &text.typeface else {
            return Ok(());
        };
        let is_hidden = self.marks.iter().any(|mark| matches!(mark, Mark::Hidden));
        let mut rest = 0;
        while rest < codes.len() {
            let (code, length) = typeface.read_code(codes, rest);
            let mut space = text.letter_space;
            if code == 32 && length == 1 {
                space += text.word_space;
            }
            let advance = typeface.advance(code) * text.size;
            let step = if typeface.is_vertical() {
                Vec2::new(0.0, advance.y + space)
            } else {
                Vec2::new((advance.x + space) * text.stretch, 0.0)
            };
            if !is_hidden {
                // Letters set apart still make a word.
                let width = if typeface.is_vertical() {
                    Vec2::new(0.0, advance.y + text.letter_space)
                } else {
                    Vec2::new((advance.x + text.letter_space) * text.stretch, 0.0)
                };
                self.draw(typeface, code, width)?;
            }
            self.pen *= Affine::translate(step);
            rest += length.max(1);
        }
        Ok(())
    }

    fn draw(&mut self, typeface: &Typeface<'a>, code: u32, width: Vec2) -> Result<(), Stopped> {
        let text = &self.state.text;
        let matrix = self.state.matrix * self.pen;
        let origin = matrix * Point::new(0.0, text.rise);
        let linear = matrix.with_translation(Vec2::ZERO);
        let along = (linear * width.to_point()).to_vec2();
        let forwards = if typeface.is_vertical() {
            Vec2::new(0.0, -1.0)
        } else {
            Vec2::new(text.size * text.stretch, 0.0)
        };
        let direction = (linear * forwards.to_point()).to_vec2();
        let upwards = Vec2::new(0.0, text.size * typeface.scale());
        let size = (linear * upwards.to_point()).to_vec2().hypot();
        let centre = origin + along * 0.5;
        if direction.hypot() <= 0.0 || size <= 0.0 || !self.canvas.shows(centre) {
            return Ok(());
        }
        let replaced = self.marks.iter_mut().rev().find_map(|mark| match mark {
            Mark::Replaced(text) => Some(text.take().unwrap_or_default()),
            _ => None,
        });
        let characters: Rc<str> = replaced.map_or_else(|| typeface.text(code), Rc::from);
        let direction = direction / direction.hypot();
        let drawn = self.canvas.layout.draw(
            Glyph {
                origin: (origin.x, origin.y),
                direction: (direction.x, direction.y),
                advance: along.dot(direction),
                size,
            },
            &characters,
        );
        if drawn { Ok(()) } else { Err(Stopped) }
    }

    fn object(&mut self, name: &Name<'_>, depth: usize) -> Result<(), Stopped> {
        let Some(stream) = self.resources.get_x_object(name) else {
            return Ok(());
        };
        let is_hidden = self.marks.iter().any(|mark| matches!(mark, Mark::Hidden))
            || self.content.layers.hides(stream.dict(), "OC");
        if is_hidden {
            return Ok(());
        }
        let mut run = Run::new(
            self.content,
            self.canvas,
            self.resources.clone(),
            self.state.matrix,
        );
        run.state.text = self.state.text.clone();
        run.form(&stream, depth)
    }

    fn form(mut self, stream: &Stream<'a>, depth: usize) -> Result<(), Stopped> {
        let dict = stream.dict();
        let kind = dict.get::<Name<'_>>("Subtype".as_bytes());
        if kind.is_some_and(|kind| kind.as_str() != "Form") {
            self.canvas.picture(self.state.matrix);
            return Ok(());
        }
        if depth >= MAX_DEPTH {
            self.canvas.cut_short = true;
            return Ok(());
        }
        self.canvas.forms = self.canvas.forms.checked_sub(1).ok_or(Stopped)?;
        let Ok(data) = stream.decoded_data() else {
            return Ok(());
        };
        self.state.matrix *= form_matrix(stream);
        if let Some(resources) = dict.get::<Dict<'_>>("Resources".as_bytes()) {
            self.resources = Resources::new(resources);
        }
        self.read(&data, depth + 1)
    }

    fn mark(&self, tag: &Name<'_>, properties: &Object<'_>) -> Mark {
        let named = match properties {
            Object::Name(name) => {
                if tag.as_str() == "OC"
                    && self
                        .content
                        .layers
                        .hides(&self.resources.properties, name.as_str())
                {
                    return Mark::Hidden;
                }
                self.resources.properties.get::<Dict<'_>>(name.as_ref())
            }
            _ => None,
        };
        let dict = match properties {
            Object::Dict(dict) => Some(dict),
            _ => named.as_ref(),
        };
        let text = dict
            .and_then(|dict| dict.get::<hayro_syntax::object::String<'_>>("ActualText".as_bytes()));
        text.map_or(Mark::Plain, |text| {
            Mark::Replaced(Some(super::decode_text(text.as_bytes())))
        })
    }
}

/// The page's instructions, and whether all of them could be decoded. hayro's own method keeps them,
/// which for a thousand pages is too much.
fn page_stream(page: &Page<'_>) -> (Vec<u8>, bool) {
    let key = "Contents".as_bytes();
    let (mut data, mut is_whole) = (Vec::new(), true);
    let mut add = |stream: &Stream<'_>| match stream.decoded_data() {
        Ok(decoded) => {
            data.extend_from_slice(&decoded);
            data.push(b' ');
        }
        Err(_) => is_whole = false,
    };
    if let Some(stream) = page.raw().get::<Stream<'_>>(key) {
        add(&stream);
    } else if let Some(parts) = page.raw().get::<Array<'_>>(key) {
        for stream in parts.iter::<Stream<'_>>() {
            add(&stream);
        }
    } else {
        is_whole = !page.raw().contains_key(key);
    }
    (data, is_whole)
}

fn affine(m: [&Number; 6]) -> Affine {
    Affine::new(m.map(Number::as_f64))
}

pub(super) fn form_matrix(form: &Stream<'_>) -> Affine {
    let matrix = form.dict().get::<[f64; 6]>("Matrix".as_bytes());
    matrix.map_or(Affine::IDENTITY, Affine::new)
}
