//! A PDF of plain text: A4, one font, of which only the glyphs that are used are embedded.
//!
//! Nothing in it comes from the clock or from chance: the same text gives the same bytes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, TextRenderingMode, UnicodeCmap};
use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str, TextStr};
use subsetter::GlyphRemapper;
use ttf_parser::{Face, RawFace, Tag, name_id};

/// A4, in points.
pub const PAGE: (f32, f32) = (595.28, 841.89);
const FONT: Name<'_> = Name(b"F1");
/// Six letters mark a subset (ISO 32000-1, 9.6.4).
const SUBSET_NAME: Name<'_> = Name(b"XUNKEA+Agreement");
const CFF: Tag = Tag::from_bytes(b"CFF ");
/// A heading is drawn with an outline of this part of its size, which looks bold.
const BOLD: f32 = 0.03;

/// Why there is no PDF.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The font is not there.
    #[error(
        "agreement.font_file: cannot read {}: install the package fonts-noto-cjk, or name a font \
         with Chinese glyphs",
        path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is no font that can be embedded.
    #[error("agreement.font_file: {} cannot be embedded: {why}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// Text at a place, from the lower left corner, in points.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// From the left.
    pub x: f32,
    /// From below.
    pub y: f32,
    /// Height of the letters.
    pub size: f32,
    /// Whether it is a heading.
    pub bold: bool,
    /// The words.
    pub text: String,
}

/// A font file with Chinese glyphs.
pub struct Font {
    path: PathBuf,
    bytes: Vec<u8>,
    index: u32,
}

impl Font {
    /// Reads a font; of a collection the simplified Chinese one.
    ///
    /// # Errors
    /// The file that is missing or no font.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(|source| Error::Missing {
            path: path.into(),
            source,
        })?;
        let faces = ttf_parser::fonts_in_collection(&bytes).unwrap_or(1);
        let index = (0..faces).find(|index| is_simplified(&bytes, *index));
        let font = Self {
            path: path.into(),
            index: index.unwrap_or(0),
            bytes,
        };
        font.face().map(drop)?;
        Ok(font)
    }

    /// The width of a character, as a part of its size.
    ///
    /// # Errors
    /// When the font is no font.
    pub fn widths(&self) -> Result<impl Fn(char) -> f32, Error> {
        let face = self.face()?;
        let scale = 1.0 / f32::from(face.units_per_em());
        Ok(move |char| {
            let glyph = face.glyph_index(char).unwrap_or_default();
            f32::from(face.glyph_hor_advance(glyph).unwrap_or(0)) * scale
        })
    }

    /// The first character for which there is no glyph.
    ///
    /// # Errors
    /// When the font is no font.
    pub fn lacks(&self, text: &str) -> Result<Option<char>, Error> {
        let face = self.face()?;
        let mut shown = text.chars().filter(|char| !char.is_control());
        Ok(shown.find(|char| face.glyph_index(*char).is_none()))
    }

    fn face(&self) -> Result<Face<'_>, Error> {
        Face::parse(&self.bytes, self.index).map_err(|why| self.unusable(why))
    }

    fn unusable(&self, why: impl ToString) -> Error {
        Error::Unusable {
            path: self.path.clone(),
            why: why.to_string(),
        }
    }
}

fn is_simplified(bytes: &[u8], index: u32) -> bool {
    let Ok(face) = Face::parse(bytes, index) else {
        return false;
    };
    let names = face.names().into_iter();
    let mut families = names.filter(|name| name.name_id == name_id::FAMILY);
    families.any(|name| name.to_string().is_some_and(|name| name.ends_with(" SC")))
}

/// Writes pages of text.
///
/// # Errors
/// When the font cannot be embedded.
pub fn write(font: &Font, title: &str, pages: &[Vec<Run>]) -> Result<Vec<u8>, Error> {
    let face = font.face()?;
    let mut glyphs = Glyphs::default();
    let contents: Vec<_> = pages
        .iter()
        .map(|runs| content(&face, &mut glyphs, runs))
        .collect();
    let mut pdf = Pdf::new();
    let [catalog, tree, info, type0] = [1, 2, 3, 4].map(Ref::new);
    let first_page = 10;
    let page_ids = (0..).map(|n| Ref::new(first_page + 2 * n));
    let page_ids: Vec<_> = page_ids.take(pages.len()).collect();
    pdf.catalog(catalog).pages(tree);
    let count = i32::try_from(page_ids.len()).unwrap_or(i32::MAX);
    pdf.pages(tree).kids(page_ids.iter().copied()).count(count);
    pdf.document_info(info).title(TextStr(title));
    for (id, content) in page_ids.into_iter().zip(contents) {
        let content_id = Ref::new(id.get() + 1);
        let mut page = pdf.page(id);
        page.parent(tree).contents(content_id);
        page.media_box(Rect::new(0.0, 0.0, PAGE.0, PAGE.1));
        page.resources().fonts().pair(FONT, type0);
        page.finish();
        pdf.stream(content_id, &content);
    }
    embed(&mut pdf, font, &face, &glyphs, type0)?;
    Ok(pdf.finish())
}

/// The glyphs that are used, each with its new number, width and character.
#[derive(Default)]
struct Glyphs {
    numbers: GlyphRemapper,
    used: BTreeMap<u16, (f32, char)>,
}

fn content(face: &Face<'_>, glyphs: &mut Glyphs, runs: &[Run]) -> Vec<u8> {
    let mut content = Content::new();
    for run in runs {
        let mode = if run.bold {
            TextRenderingMode::FillStroke
        } else {
            TextRenderingMode::Fill
        };
        content.begin_text();
        content.set_font(FONT, run.size);
        content.set_text_rendering_mode(mode);
        content.set_line_width(run.size * BOLD);
        content.set_text_matrix([1.0, 0.0, 0.0, 1.0, run.x, run.y]);
        content.show(Str(&encoded(face, glyphs, &run.text)));
        content.end_text();
    }
    content.finish().into_vec()
}

/// Two bytes a glyph, by its number in the subset.
fn encoded(face: &Face<'_>, glyphs: &mut Glyphs, text: &str) -> Vec<u8> {
    let scale = 1000.0 / f32::from(face.units_per_em());
    let number = |char| {
        let glyph = face.glyph_index(char).unwrap_or_default();
        let width = face.glyph_hor_advance(glyph).unwrap_or(0);
        let number = glyphs.numbers.remap(glyph.0);
        let shown = (f32::from(width) * scale, char);
        glyphs.used.entry(number).or_insert(shown);
        number.to_be_bytes()
    };
    text.chars().flat_map(number).collect()
}

fn embed(
    pdf: &mut Pdf,
    font: &Font,
    face: &Face<'_>,
    glyphs: &Glyphs,
    type0: Ref,
) -> Result<(), Error> {
    let [cid, descriptor, to_unicode, file] = [5, 6, 7, 8].map(Ref::new);
    let info = SystemInfo {
        registry: Str(b"Adobe"),
        ordering: Str(b"Identity"),
        supplement: 0,
    };
    let subset = subsetter::subset(&font.bytes, font.index, &glyphs.numbers);
    let subset = subset.map_err(|why| font.unusable(why))?;
    // Outlines of the PostScript kind are embedded bare, those of TrueType with their tables.
    let bare = RawFace::parse(&subset, 0).ok();
    let bare = bare.and_then(|raw| raw.table(CFF));
    pdf.type0_font(type0)
        .base_font(SUBSET_NAME)
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(cid)
        .to_unicode(to_unicode);
    let mut cid_font = pdf.cid_font(cid);
    cid_font.base_font(SUBSET_NAME).system_info(info);
    cid_font.font_descriptor(descriptor).default_width(1000.0);
    if bare.is_some() {
        cid_font.subtype(CidFontType::Type0);
    } else {
        cid_font.subtype(CidFontType::Type2);
        cid_font.cid_to_gid_map_predefined(Name(b"Identity"));
    }
    let mut widths = cid_font.widths();
    for (number, (width, _)) in &glyphs.used {
        widths.same(*number, *number, *width);
    }
    widths.finish();
    cid_font.finish();
    describe(pdf, face, descriptor, (file, bare.is_some()));
    let mut map = UnicodeCmap::new(Name(b"Agreement"), info);
    for (number, (_, char)) in &glyphs.used {
        map.pair(*number, *char);
    }
    pdf.stream(to_unicode, &map.finish());
    let mut stream = pdf.stream(file, bare.unwrap_or(&subset));
    if bare.is_some() {
        stream.pair(Name(b"Subtype"), Name(b"CIDFontType0C"));
    }
    Ok(())
}

fn describe(pdf: &mut Pdf, face: &Face<'_>, id: Ref, (file, bare): (Ref, bool)) {
    let scale = 1000.0 / f32::from(face.units_per_em());
    let points = |units: i16| f32::from(units) * scale;
    let bounds = face.global_bounding_box();
    let mut descriptor = pdf.font_descriptor(id);
    descriptor.name(SUBSET_NAME).flags(FontFlags::SYMBOLIC);
    descriptor.bbox(Rect::new(
        points(bounds.x_min),
        points(bounds.y_min),
        points(bounds.x_max),
        points(bounds.y_max),
    ));
    descriptor.italic_angle(0.0).stem_v(80.0);
    descriptor.ascent(points(face.ascender()));
    descriptor.descent(points(face.descender()));
    descriptor.cap_height(points(face.capital_height().unwrap_or(700)));
    if bare {
        descriptor.font_file3(file);
    } else {
        descriptor.font_file2(file);
    }
}
