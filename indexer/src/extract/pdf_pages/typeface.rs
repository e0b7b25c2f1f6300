//! Character codes of a PDF font to characters.
//!
//! Owns the question which character a code stands for where the font does not say so itself. The
//! answers come, in this order, from the font's own table, from the character collections of Chinese,
//! Japanese and Korean fonts, from the font program's character map read backwards, from glyph names
//! that give the code, and from the order of glyphs in fonts that everybody has.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use hayro_cmap::{BfString, CMap, CMapName, CidFamily, load_embedded};
use hayro_font::kurbo::Vec2;
use hayro_font::{CMapResolverFn, Font, FontCache, FontGlyph, FontQuery, FontResolverFn};
use hayro_syntax::object::{Array, Dict, Name, Number, Object};
use skrifa::{FontRef, MetadataProvider};

/// What stands for a character that cannot be known.
const UNKNOWN: &str = "\u{fffd}";

/// A font and what its codes mean.
pub(super) struct Typeface<'a> {
    font: Font<'a>,
    scale: f64,
    collection: Option<(Rc<CMap>, Rc<CMap>)>,
    has_program: bool,
    /// What is added to its codes to make them characters, where the font is not in the file and
    /// nothing else says what they are.
    shift: Option<u32>,
    names: HashMap<u32, String>,
    backwards: OnceCell<HashMap<u32, char>>,
    known: RefCell<HashMap<u32, Rc<str>>>,
}

/// The collections used so far, from character identifiers to Unicode.
#[derive(Default)]
pub(super) struct Collections {
    loaded: RefCell<HashMap<CidFamily, Option<Rc<CMap>>>>,
}

impl<'a> Typeface<'a> {
    pub(super) fn new(
        dict: &Dict<'a>,
        fonts: &FontCache<'a>,
        collections: &Collections,
    ) -> Option<Self> {
        let substitutes: FontResolverFn = Arc::new(|query| {
            Some(match query {
                FontQuery::Standard(font) => font.get_font_data(),
                FontQuery::Fallback(query) => query.pick_standard_font().get_font_data(),
            })
        });
        let maps: CMapResolverFn = Arc::new(load_embedded);
        let font = fonts.font(dict, &substitutes, &maps)?;
        let descendant = descendant(dict);
        let holder = descendant.as_ref().unwrap_or(dict);
        let has_program = has_program(holder);
        let shift = descendant
            .as_ref()
            .filter(|_| !has_program)
            .and_then(|descendant| code_shift(dict, descendant));
        Some(Self {
            font,
            shift,
            scale: glyph_scale(dict),
            collection: descendant
                .as_ref()
                .and_then(|descendant| collection(dict, descendant, collections)),
            has_program,
            names: glyph_names(dict),
            backwards: OnceCell::new(),
            known: RefCell::default(),
        })
    }

    /// Whether its lines run downwards.
    pub(super) fn is_vertical(&self) -> bool {
        !self.font.is_horizontal()
    }

    /// The code at `offset` and its length in bytes.
    pub(super) fn read_code(&self, bytes: &[u8], offset: usize) -> (u32, usize) {
        self.font.read_code(bytes, offset)
    }

    /// How far a code moves the pen, in font sizes.
    pub(super) fn advance(&self, code: u32) -> Vec2 {
        self.font.code_advance(code) / 1000.0
    }

    /// The height of its letters in font sizes, where that is far from one.
    pub(super) fn scale(&self) -> f64 {
        self.scale
    }

    /// The characters that a code stands for.
    pub(super) fn text(&self, code: u32) -> Rc<str> {
        if let Some(known) = self.known.borrow().get(&code) {
            return Rc::clone(known);
        }
        let text: Rc<str> = self.find(code).map_or_else(|| Rc::from(UNKNOWN), Rc::from);
        self.known.borrow_mut().insert(code, Rc::clone(&text));
        text
    }

    fn find(&self, code: u32) -> Option<String> {
        let glyph_id = self.font.map_code(code);
        let own = match self.font.glyph(glyph_id, code) {
            FontGlyph::Outline(glyph) => glyph.as_unicode(),
            FontGlyph::Type3(glyph) => glyph.as_unicode(),
        };
        let own = own.map(string);
        if let Some(text) = own.as_ref().filter(|text| means_something(text)) {
            return Some(text.clone());
        }
        self.by_collection(code)
            .or_else(|| self.by_program(code))
            .or_else(|| self.by_name(code))
            .or_else(|| self.by_order(code))
            .or(own.filter(|text| text.chars().all(is_private)))
    }

    fn by_collection(&self, code: u32) -> Option<String> {
        let (encoding, unicode) = self.collection.as_ref()?;
        let identifier = (1..=4).find_map(|length| encoding.lookup_cid_code(code, length))?;
        let text = unicode.lookup_bf_string(identifier).map(string)?;
        means_something(&text).then_some(text)
    }

    fn by_program(&self, code: u32) -> Option<String> {
        if !self.has_program {
            return None;
        }
        let FontGlyph::Outline(glyph) = self.font.glyph(self.font.map_code(code), code) else {
            return None;
        };
        let backwards = self.backwards.get_or_init(|| {
            let data = glyph.font_data();
            data.map(|data| read_backwards(data.data.as_ref().as_ref()))
                .unwrap_or_default()
        });
        let character = backwards.get(&glyph.glyph_id().to_u32())?;
        Some(character.to_string())
    }

    fn by_order(&self, code: u32) -> Option<String> {
        let character = char::from_u32(code.checked_add(self.shift?)?)?;
        (' '..='~')
            .contains(&character)
            .then(|| character.to_string())
    }

    /// Names such as `a65` or `g65` for the code 65.
    fn by_name(&self, code: u32) -> Option<String> {
        let name = self.names.get(&code)?;
        let digits = name.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '#');
        let is_code = name.len() - digits.len() <= 3 && digits.parse() == Ok(code);
        let character = char::from_u32(code).filter(char::is_ascii_graphic)?;
        is_code.then(|| character.to_string())
    }
}

impl Collections {
    fn get(&self, family: &CidFamily) -> Option<Rc<CMap>> {
        if let Some(known) = self.loaded.borrow().get(family) {
            return known.clone();
        }
        let map = family
            .ucs2_cmap()
            .and_then(load_embedded)
            .and_then(|data| CMap::parse(data, load_embedded))
            .map(Rc::new);
        self.loaded.borrow_mut().insert(family.clone(), map.clone());
        map
    }
}

fn string(text: BfString) -> String {
    match text {
        BfString::Char(character) => character.to_string(),
        BfString::String(text) => text,
    }
}

fn means_something(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c != char::REPLACEMENT_CHARACTER && c != '\0' && !is_private(c))
}

fn is_private(character: char) -> bool {
    ('\u{e000}'..='\u{f8ff}').contains(&character)
}

fn descendant<'a>(dict: &Dict<'a>) -> Option<Dict<'a>> {
    dict.get::<Array<'a>>("DescendantFonts".as_bytes())?
        .iter::<Dict<'a>>()
        .next()
}

fn has_program(dict: &Dict<'_>) -> bool {
    let descriptor = dict.get::<Dict<'_>>("FontDescriptor".as_bytes());
    descriptor.is_some_and(|descriptor| {
        ["FontFile", "FontFile2", "FontFile3"]
            .iter()
            .any(|key| descriptor.contains_key(key.as_bytes()))
    })
}

/// From codes to identifiers and from identifiers to Unicode, for fonts of a known collection.
fn collection(
    dict: &Dict<'_>,
    descendant: &Dict<'_>,
    collections: &Collections,
) -> Option<(Rc<CMap>, Rc<CMap>)> {
    let encoding = match dict.get::<Object<'_>>("Encoding".as_bytes())? {
        Object::Name(name) => match name.as_str() {
            "Identity-H" => CMap::identity_h(),
            "Identity-V" => CMap::identity_v(),
            _ => CMap::parse(
                load_embedded(CMapName::from_bytes(name.as_ref()))?,
                load_embedded,
            )?,
        },
        Object::Stream(stream) => CMap::parse(&stream.decoded_data().ok()?, load_embedded)?,
        _ => return None,
    };
    let own = encoding.metadata().character_collection.as_ref();
    let from_encoding = own.and_then(|own| collections.get(&own.family));
    let unicode = from_encoding.or_else(|| {
        let info = descendant.get::<Dict<'_>>("CIDSystemInfo".as_bytes())?;
        let part = |key: &str| info.get::<hayro_syntax::object::String<'_>>(key.as_bytes());
        let (registry, ordering) = (part("Registry")?, part("Ordering")?);
        collections.get(&CidFamily::from_registry_ordering(
            registry.as_bytes(),
            ordering.as_bytes(),
        ))
    })?;
    Some((Rc::new(encoding), unicode))
}

/// Fonts that are not in the file, told apart by the codes whose widths are given: either Unicode, where
/// these begin with the space, or glyph numbers, of which Microsoft's old fonts have the same hundred
/// first.
fn code_shift(dict: &Dict<'_>, descendant: &Dict<'_>) -> Option<u32> {
    const NUMBERED_ALIKE: &[&str] = &[
        "Arial",
        "CourierNew",
        "Georgia",
        "Tahoma",
        "TimesNewRoman",
        "Verdana",
    ];
    const GLYPH_OF_SPACE: u32 = 3;
    let encoding = dict.get::<Name<'_>>("Encoding".as_bytes())?;
    if !encoding.as_str().starts_with("Identity") {
        return None;
    }
    let name = dict.get::<Name<'_>>("BaseFont".as_bytes())?;
    let widths = descendant.get::<Array<'_>>("W".as_bytes())?;
    let first = widths.flex_iter().next::<Number>()?.as_i64();
    if first == i64::from(u32::from(' ')) {
        Some(0)
    } else if first <= 3
        && NUMBERED_ALIKE
            .iter()
            .any(|known| name.as_str().starts_with(known))
    {
        Some(u32::from(' ') - GLYPH_OF_SPACE)
    } else {
        None
    }
}

/// The names that an encoding gives to codes.
fn glyph_names(dict: &Dict<'_>) -> HashMap<u32, String> {
    let mut names = HashMap::new();
    let differences = dict
        .get::<Dict<'_>>("Encoding".as_bytes())
        .and_then(|encoding| encoding.get::<Array<'_>>("Differences".as_bytes()));
    let mut code = 0_u32;
    for item in differences.iter().flat_map(Array::iter::<Object<'_>>) {
        match item {
            Object::Number(number) => code = u32::try_from(number.as_i64()).unwrap_or(0),
            Object::Name(name) => {
                names.insert(code, name.as_str().to_owned());
                code = code.saturating_add(1);
            }
            _ => {}
        }
    }
    names
}

/// Glyphs drawn by page instructions come in units of their own, which make the font's size
/// meaningless; their bounds say how high they are.
fn glyph_scale(dict: &Dict<'_>) -> f64 {
    let is_drawn = dict
        .get::<Name<'_>>("Subtype".as_bytes())
        .is_some_and(|kind| kind.as_str() == "Type3");
    if !is_drawn {
        return 1.0;
    }
    let matrix = dict.get::<[f64; 6]>("FontMatrix".as_bytes());
    let unit = matrix.map_or(0.001, |matrix| matrix[2].hypot(matrix[3]));
    let bounds = dict.get::<[f64; 4]>("FontBBox".as_bytes());
    let height = bounds.map_or(0.0, |bounds| (bounds[3] - bounds[1]).abs()) * unit;
    if height <= 0.0 || (0.5..2.5).contains(&height) {
        1.0
    } else {
        height
    }
}

/// From glyphs to characters. Where several share a glyph, the first that is no presentation form.
fn read_backwards(data: &[u8]) -> HashMap<u32, char> {
    let mut characters: HashMap<u32, char> = HashMap::new();
    let Ok(font) = FontRef::from_index(data, 0) else {
        return characters;
    };
    for (code, glyph) in font.charmap().mappings() {
        let Some(character) = char::from_u32(code).filter(|c| !c.is_control() && !is_private(*c))
        else {
            continue;
        };
        characters.entry(glyph.to_u32()).or_insert(character);
    }
    characters
}
