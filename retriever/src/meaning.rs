//! Words that say the same of a document: stems, and small families of words in English and Spanish.
//!
//! "Who lives in Ghent?" is answered by "Lives in Ghent" and by "city: Ghent". Families are few and
//! sure; a word without one is compared by its stem. Pure; words come folded.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::fold::{listed, same};

/// Families, each with the words that say it and those that deny it.
const FAMILIES: [(&str, &str); 16] = [
    (
        "pay pays paid paying payment payments settle settled pagar pago pagos paga pagas pagan pagamos pague \
         pagaron pagado pagada pagados pagadas abonar abono abonado abonada abonados abonadas abone liquidado liquidada",
        "unpaid outstanding impagado impagada impagados impagadas impago pendiente pendientes",
    ),
    (
        "rate rates rated rating ratings give gives gave given score scores scored star stars dar doy das da dan damos \
         di dio dimos dieron dado dada puse puso nota puntuacion puntue puntuo valoracion valore valoro califique \
         calificacion estrella estrellas",
        "",
    ),
    (
        "live lives lived living reside resides resided city town vivir vivo vive viven vivimos vivia vivian residir \
         reside residen ciudad localidad",
        "",
    ),
    (
        "born birth birthday birthdays birthdate nacer nacido nacida nacidos nacidas nacio nacieron naci nacimiento \
         cumpleanos cumple cumplen",
        "",
    ),
    (
        "visit visits visited visiting went go goes stay stayed visitar visita visite visito visitamos visitado \
         visitada visitados visitadas estuve estuvo estuvimos fui fuimos",
        "",
    ),
    (
        "finish finishes finished complete completed terminar termine termino terminamos terminado terminada \
         terminados terminadas acabar acabe acabo acabado acabada",
        "unfinished inacabado inacabada",
    ),
    (
        "read reads reading leer leo lee leen leemos lei leyo leimos leido leida leidos leidas leia leiamos leyendo \
         lectura",
        "unread",
    ),
    (
        "attend attends attended attending attendance attendees present presence participate participated \
         participants come comes came asistir asisti asistio asistimos asistieron asistido asistentes presente presentes participar \
         participe participo participaron acudir acudi acudio acudieron venir vino vinieron vine",
        "absent apologies excused ausente ausentes excusa excusas",
    ),
    (
        "buy buys bought buying purchase purchased comprar compro compre compramos comprado comprada comprados \
         compradas",
        "",
    ),
    (
        "talk talks talked talking speak speaks spoke spoken discuss discusses discussed discussing topic hablar \
         hablo hable hablamos hablaron hablado tratar trato trate tratamos tratado tema",
        "",
    ),
    (
        "work works worked working job trabajar trabajo trabaja trabajan trabajamos trabajado",
        "",
    ),
    (
        "write writes wrote written writing author authors escribir escribi escribio escribe escrito escrita \
         escritos escritas autor autora",
        "",
    ),
    (
        "send sends sent sending enviar envio envie envia enviamos enviado enviada enviados enviadas mandar mande \
         mando mandamos mandado mandada",
        "unsent",
    ),
    (
        "sell sells sold selling vender vendi vendio vendo vende vendemos vendido vendida vendidos vendidas",
        "unsold",
    ),
    (
        "sign signs signed signing signature firmar firme firmo firma firmamos firmado firmada firmados firmadas",
        "unsigned",
    ),
    (
        "open opens opened opening abrir abri abrio abre abierto abierta abiertos abiertas",
        "closed close closes cerrado cerrada cerrados cerradas",
    ),
];

const LIVE: usize = 2;
const BORN: usize = 3;
const VISIT: usize = 4;
const FINISH: usize = 5;
const READ: usize = 6;
const ATTEND: usize = 7;

/// Words that turn a statement round; parts of contractions, too.
const NEGATIONS: &str = "not no never none nobody without neither nor aren isn wasn weren don doesn didn haven hasn \
    hadn won cannot false ni nunca sin ningun ninguno ninguna nadie tampoco falso";

static FAMILY_OF: LazyLock<HashMap<&str, (usize, bool)>> = LazyLock::new(|| {
    let rows = FAMILIES.iter().enumerate();
    let words = rows.flat_map(|(row, (saying, denying))| {
        let saying = saying.split_ascii_whitespace().map(|word| (word, false));
        let denying = denying.split_ascii_whitespace().map(|word| (word, true));
        saying
            .chain(denying)
            .map(move |(word, denies)| (word, (row, denies)))
    });
    words.collect()
});

/// What a word says beside itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Family {
    row: usize,
    /// The word denies what its family says: "unpaid".
    pub denies: bool,
}

impl Family {
    pub(crate) fn of(word: &str) -> Option<Self> {
        let (row, denies) = *FAMILY_OF.get(word)?;
        Some(Self { row, denies })
    }

    /// Whether what is asked with this family is said with the other. Who asks what was read means what
    /// was finished, too, and who asks where somebody was, where they were present; not the other way round.
    fn takes(self, said: Self) -> bool {
        self.row == said.row
            || (self.row == READ && said.row == FINISH)
            || (self.row == VISIT && said.row == ATTEND)
    }

    /// It comes round each year.
    pub(crate) fn recurs(self) -> bool {
        self.row == BORN
    }

    /// It is said of one person in a note of theirs.
    pub(crate) fn is_of_person(self) -> bool {
        matches!(self.row, LIVE | BORN)
    }

    /// It says that somebody was not there.
    pub(crate) fn is_absence(self) -> bool {
        self.row == ATTEND && self.denies
    }
}

/// Whether a word of a text says what a word of a question asks for.
pub(crate) fn alike(asked: &str, said: &str) -> bool {
    if same(asked, said) {
        return true;
    }
    match (Family::of(asked), Family::of(said)) {
        (Some(one), Some(other)) => one.takes(other),
        (None, None) => {
            let stems = [
                (english(asked), english(said)),
                (spanish(asked), spanish(said)),
            ];
            stems.iter().any(|(one, other)| one == other)
        }
        _ => false,
    }
}

pub(crate) fn is_negation(word: &str) -> bool {
    listed(NEGATIONS, word)
}

fn english(word: &str) -> &str {
    let endings = ["ing", "ed", "es", "s", "e"];
    let found = endings
        .iter()
        .find_map(|ending| word.strip_suffix(ending).filter(|stem| stem.len() > 2));
    let stem = found.unwrap_or(word);
    // "Planned" and "plan".
    let last = stem.as_bytes().last_chunk::<2>();
    let is_doubled = found.is_some()
        && last
            .is_some_and(|[one, other]| one == other && !matches!(one, b's' | b'l' | b'e' | b'o'));
    if is_doubled {
        &stem[..stem.len() - 1]
    } else {
        stem
    }
}

fn spanish(word: &str) -> &str {
    let endings = [
        "iendo", "ieron", "iamos", "abamos", "aron", "ando", "adas", "ados", "idas", "idos",
        "amos", "emos", "imos", "aban", "ada", "ado", "ida", "ido", "aba", "ian", "ia", "io", "ar",
        "er", "ir", "an", "en", "as", "es", "os", "a", "e", "i", "o",
    ];
    let stem = endings.iter().find_map(|ending| {
        let least = if ending.len() > 2 { 3 } else { 4 };
        word.strip_suffix(ending).filter(|stem| stem.len() >= least)
    });
    stem.unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(asked: &str, yes: &[&str], no: &[&str]) {
        for said in yes {
            assert!(alike(asked, said), "{asked} {said}");
        }
        for said in no {
            assert!(!alike(asked, said), "{asked} {said}");
        }
    }

    #[test]
    fn forms_of_a_word_are_alike() {
        check(
            "plan",
            &["plans", "planned", "planning"],
            &["plant", "plot"],
        );
        check("repaired", &["repair", "repairs", "repairing"], &["pair"]);
        check(
            "reparar",
            &["reparado", "reparada", "reparo", "reparando"],
            &["repartir"],
        );
        check("regalaron", &["regalado", "regalo"], &["regla"]);
        check("taza", &["tazas"], &["tasa", "tiza"]);
    }

    #[test]
    fn families_go_across_forms_and_languages() {
        check(
            "live",
            &["lives", "city", "vive", "ciudad"],
            &["leave", "life"],
        );
        check("doy", &["nota", "rating", "di"], &["dia"]);
        check("birthday", &["born", "nacido", "cumpleanos"], &["day"]);
        check("read", &["leia", "finished"], &["ready"]);
        check("finished", &["terminado", "completed"], &["read", "leia"]);
        assert!(Family::of("unpaid").is_some_and(|family| family.denies));
        assert!(is_negation("sin") && is_negation("didn") && !is_negation("no.1"));
    }
}
