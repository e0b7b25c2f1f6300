//! Languages that words are stemmed in, and the small words that tell them.
//!
//! A text's language is the one that its small words are of: enough for a paragraph, and for most questions.

use std::collections::HashMap;
use std::sync::LazyLock;

use tantivy::tokenizer::{
    Language, RawTokenizer, Stemmer, StopWordFilter, TextAnalyzer, WhitespaceTokenizer,
};

use super::fold::folded;

/// A language with a stemmer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spoken {
    /// ISO 639-1 code.
    pub code: &'static str,
    language: Language,
    /// Whether its words look like those of many others.
    is_latin: bool,
    /// Its commonest words, without accents.
    small: &'static str,
}

const fn latin(code: &'static str, language: Language, small: &'static str) -> Spoken {
    Spoken {
        code,
        language,
        is_latin: true,
        small,
    }
}

const fn other(code: &'static str, language: Language, small: &'static str) -> Spoken {
    Spoken {
        is_latin: false,
        ..latin(code, language, small)
    }
}

/// Which of `LANGUAGES`.
pub(crate) type Place = usize;

/// Every language that is stemmed.
pub(crate) const LANGUAGES: [Spoken; 18] = [
    latin(
        "en",
        Language::English,
        "the of and a to in is was that it for on as with by at from are were be been this which not but had have \
         has his her their its they he she we you i an or if who what when where how why did does do would can could \
         should than then there these those into about after before between during while all any some many much more \
         most other such no nor only will may must our your my me him them us also because through over under up out",
    ),
    latin(
        "es",
        Language::Spanish,
        "de la que el en y a los se del las un por con no una su para es al lo como mas o pero sus le ha me si sin \
         sobre este ya entre cuando todo esta ser son dos tambien fue habia era muy anos hasta desde mi porque que \
         quien cual cuales cuanto cuanta cuantos cuantas donde como estos estas ese esa eso fueron han hay nos les \
         te tu yo ella ellos unos unas e ni contra durante otro otra otros otras tiene tienen estaba estan sido",
    ),
    latin(
        "fr",
        Language::French,
        "de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont avec sa ses \
         son aux ou comme mais nous vous ils elle elles cette ces leur leurs tout etre ont ete fait y d l s n c j qu \
         je tu on quel quelle quels quelles quand comment pourquoi combien mon ma mes ton ta tes notre nos votre vos \
         etait etaient avait sans sous entre depuis apres avant aussi meme si",
    ),
    latin(
        "de",
        Language::German,
        "der die und in den von zu das mit sich des auf fur ist im dem nicht ein eine als auch es an werden aus er \
         hat dass sie nach wird bei einer um am sind noch wie einem uber einen so zum war haben nur oder aber vor \
         zur bis mehr durch man sein wurde wurden sei was wer wo wann warum welche welcher welches wessen wem wen \
         ich du wir ihr mir mich uns ihre ihren seine mein meine kein keine diese dieser dieses wenn dann da ihm",
    ),
    latin(
        "it",
        Language::Italian,
        "di e il la che in a per un del non una sono da le con si i della dei nel al alla come piu ma lo gli anche \
         dal delle o se sul ha dalla nella nei su ai degli alle essere questo questa questi queste suo sua suoi era \
         erano cui chi cosa quando dove perche quale quali quanto quanta quanti quante io tu lui lei noi voi loro mi \
         ti ci vi ne stato stata hanno ho e l d un dell all nell sull tra fra dopo prima ogni",
    ),
    latin(
        "pt",
        Language::Portuguese,
        "de a o que e do da em um para com nao uma os no se na por mais as dos como mas ao ele das seu sua ou quando \
         muito nos ja eu tambem so pelo pela ate isso ela entre depois sem mesmo aos seus quem nas me esse eles voce \
         essa num nem suas meu as minha numa pelos elas qual quais onde quanto quanta quantos quantas porque foi \
         foram era sao ser ter tem tinha esta estao este isto aquele pelas lhe sobre desde",
    ),
    latin(
        "nl",
        Language::Dutch,
        "de van een het en in is dat op te zijn met voor die niet aan er om ook als dan maar bij uit door naar nog \
         over ze zich wordt hij was aan werd worden heeft hebben had of deze dit zij haar hun hem wij we ik je jij \
         mijn uw ons onze wat wie waar wanneer waarom hoe hoeveel welke welk tot kan kon meer geen al tussen onder \
         tegen na sinds moet zou",
    ),
    latin(
        "sv",
        Language::Swedish,
        "och i att en det som pa ar av for den med till har de inte om ett han men var jag sig fran vi sa kan man \
         nar ar hon under ocksa efter eller nu sin dar vid mot ska skulle kommer ut fa finns vara hade alla andra \
         mycket an har dem dess deras vad vem vilka vilken vilket varfor hur nagon nagot detta denna dessa blev \
         mellan hans hennes min din er oss mig dig",
    ),
    latin(
        "da",
        Language::Danish,
        "og i at det er en til af som pa med for de ikke den har var et han fra sig men om der vi jeg ved kan blev \
         efter eller skal hun ogsa ud nar sa blive havde over hans ind sin dem mod under op man vil bliver du hvad \
         hvem hvor hvornar hvorfor hvordan hvilken hvilket hvilke disse dette denne deres mellem min din os mig dig \
         hendes noget nogle alle blevet",
    ),
    latin(
        "nb",
        Language::Norwegian,
        "og i at det er en til av som pa med for de ikke den har var et han fra seg men om der vi jeg ved kan ble \
         etter eller skal hun ogsa ut nar sa bli hadde over hans inn sin dem mot under opp man vil blir du hva hvem \
         hvor hvorfor hvordan hvilken hvilket hvilke disse dette denne deres mellom min din oss meg deg hennes noe \
         noen alle blitt fra kunne",
    ),
    latin(
        "fi",
        Language::Finnish,
        "ja on ei se etta han oli joka mutta ovat kuin tai myos mika olla ole mita kun sen niin jos hanen ne jotka \
         kanssa vain ollut sita ovat mukaan jonka voi nyt jo sitten kuka missa milloin miksi miten kuinka mitka \
         olivat siita tama taman taas ennen jalkeen seka eika he me te mina sina niiden naiden",
    ),
    latin(
        "hu",
        Language::Hungarian,
        "a az es hogy nem is egy ez meg volt csak de el mar mint van vagy ki meg be le fel nagy kell azt ezt ha \
         minden lesz mert lehet sem aki ami amely amelyek kik mi mit hol mikor miert hogyan melyik mennyi milyen \
         szerint utan alatt volna ezek azok o ok en te ti mi voltak lett",
    ),
    latin(
        "ro",
        Language::Romanian,
        "de si in a la cu pe nu un o din care ca este mai au fost lui sa pentru fi prin sau ce al ale intre dupa ei \
         sunt era erau avea are am ati dar daca cand unde cine cum cat cata cati cate acest aceasta aceste acestea \
         cel cea cei cele se isi le il ii eu tu el ea noi voi ele despre fara pana spre toate tot toti unei unui",
    ),
    latin(
        "tr",
        Language::Turkish,
        "ve bir bu da de icin ile olarak cok daha en gibi kadar sonra olan ne o var ama ya her mi degil ki oldugu \
         oldugunu tarafindan olup ise hem veya ben sen biz siz onlar kim nerede nezaman neden nasil hangi kac \
         edilen etti oldu olan uzerine arasinda icinde once bunu buna onun bunun sey idi",
    ),
    other(
        "ru",
        Language::Russian,
        "и в не на что с по как к из а за он у от но это для его о до же бы мы был было были она они так то все при \
         или которые который которая которой если чем когда где кто какой какая какие почему сколько меня мне ты вы \
         я их ее им ним ней уже только еще также может после этого этой после под над между во со об",
    ),
    other(
        "el",
        Language::Greek,
        "και το να του η τησ με που την απο για τα ειναι των σε ο οι στο θα τη στην τον τισ δεν στη τουσ οτι αυτο \
         ωσ στα ενα μια μασ σασ ησ ηταν εχει εχουν οπωσ αλλα ποιοσ ποια ποιο ποτε που πωσ γιατι ποσα ποσο τι στουσ \
         στισ αυτη αυτοσ μετα πριν πολυ μου σου ειχε αν",
    ),
    other(
        "ar",
        Language::Arabic,
        "في من على ان الى التي عن مع هذا ما كان لا كانت بعد هذه او كما قد هو هي الذي بين ذلك لم كل حيث اي منذ عند \
         اذا ثم انه له لها متى اين كيف لماذا كم ماذا هل وقد وفي ومن فيها غير حتى",
    ),
    other(
        "ta",
        Language::Tamil,
        "மற்றும் ஒரு இந்த என்று அந்த உள்ள என இது அவர் என்ன எங்கே எப்போது யார் எப்படி ஏன் எத்தனை",
    ),
];

/// The tag of texts whose language nobody can tell.
pub(crate) const UNKNOWN: &str = "xx";

/// Small words of a text that are enough to tell its language, as a share of all.
const ENOUGH: f32 = 0.08;
/// They are as many times those of the next language.
const AHEAD: f32 = 1.25;

/// The language's place.
pub(crate) fn place(code: Option<&str>) -> Option<Place> {
    LANGUAGES
        .iter()
        .position(|language| Some(language.code) == code)
}

/// The tag of a language's words.
pub(crate) fn tag(place: Option<Place>) -> &'static str {
    place.map_or(UNKNOWN, |place| LANGUAGES[place].code)
}

/// The languages that most of these words' small ones are of, and how many each has.
fn counted<'a>(words: impl Iterator<Item = &'a str>) -> [usize; LANGUAGES.len()] {
    let mut counts = [0; LANGUAGES.len()];
    for word in words {
        let of = SMALL.get(word).copied().unwrap_or_default();
        for (place, count) in counts.iter_mut().enumerate() {
            *count += usize::from(of & (1 << place) != 0);
        }
    }
    counts
}

/// The language of a text of these words, of which its document is said to be in `said`.
pub(crate) fn of_text<'a>(
    words: impl Iterator<Item = &'a str>,
    said: Option<Place>,
) -> Option<Place> {
    let mut all = 0;
    let counts = counted(words.inspect(|_| all += 1));
    let (best, most) = (0..counts.len())
        .map(|place| (place, counts[place]))
        .max_by_key(|(place, count)| (*count, Some(*place) == said))?;
    let next = (0..counts.len())
        .filter(|place| *place != best)
        .map(|place| counts[place])
        .max()
        .unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "shares")]
    let is_clear = most as f32 >= ENOUGH * all as f32 && most as f32 >= AHEAD * next as f32;
    let is_enough = most >= if said.is_some() { 3 } else { 1 };
    if is_clear && is_enough {
        Some(best)
    } else {
        said
    }
}

/// The languages that a question can be in: all whose small words it has most of.
pub(crate) fn of_question<'a>(words: impl Iterator<Item = &'a str>) -> Vec<Place> {
    let counts = counted(words);
    let most = counts.iter().copied().max().unwrap_or_default();
    (0..counts.len())
        .filter(|place| most > 0 && counts[*place] == most)
        .collect()
}

/// Whether a word carries nothing in one of these languages.
pub(crate) fn is_small(text: &str, plain: &str, languages: &[Place]) -> bool {
    let of = SMALL.get(text).copied().unwrap_or_default();
    languages.iter().any(|place| {
        of & (1 << place) != 0 || is_stopped(*place, plain) || is_stopped(*place, text)
    })
}

fn is_stopped(place: Place, word: &str) -> bool {
    let Some(mut filter) = STOP_WORDS[place].clone() else {
        return false;
    };
    !filter.token_stream(word).advance()
}

/// The stem of each word, without accents.
pub(crate) fn stems(place: Place, words: &[&str]) -> Vec<String> {
    let mut stemmer = STEMMERS[place].clone();
    let mut stems = Vec::with_capacity(words.len());
    stemmer
        .token_stream(&words.join(" "))
        .process(&mut |token| stems.push(folded(&token.text)));
    stems
}

/// The languages whose words an unknown one may be, by its script.
pub(crate) fn possible(word: &str) -> impl Iterator<Item = Place> {
    let is_latin = word.bytes().any(|byte| byte.is_ascii_alphabetic());
    (0..LANGUAGES.len()).filter(move |place| LANGUAGES[*place].is_latin == is_latin)
}

/// Which languages each small word is of, one bit for each.
static SMALL: LazyLock<HashMap<&'static str, u32>> = LazyLock::new(|| {
    let mut of = HashMap::new();
    for (place, language) in LANGUAGES.iter().enumerate() {
        for word in language.small.split_ascii_whitespace() {
            *of.entry(word).or_default() |= 1 << place;
        }
    }
    of
});

static STEMMERS: LazyLock<Vec<TextAnalyzer>> = LazyLock::new(|| {
    let stemmer = |language: &Spoken| {
        TextAnalyzer::builder(WhitespaceTokenizer::default())
            .filter(Stemmer::new(language.language))
            .build()
    };
    LANGUAGES.iter().map(stemmer).collect()
});

static STOP_WORDS: LazyLock<Vec<Option<TextAnalyzer>>> = LazyLock::new(|| {
    let stop = |language: &Spoken| {
        let filter = StopWordFilter::new(language.language)?;
        let words = TextAnalyzer::builder(RawTokenizer::default());
        Some(words.filter(filter).build())
    };
    LANGUAGES.iter().map(stop).collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, said: Option<&str>) -> &'static str {
        tag(of_text(text.split(' '), place(said)))
    }

    #[test]
    fn small_words_tell_a_language() {
        for (text, said, expect) in [
            ("fotos de las vacaciones en la playa", None, "es"),
            ("the boiler was inspected by her", None, "en"),
            ("der kessler wurde von ihr gepruft", Some("en"), "de"),
            ("a caldeira foi inspecionada por ela", None, "pt"),
            ("котел был проверен ею", None, "ru"),
            ("ο λεβητασ ειναι στο υπογειο", None, "el"),
            // Too little to gainsay the document.
            ("la casa", Some("en"), "en"),
            ("facturas pendientes", Some("es"), "es"),
            ("facturas pendientes", None, "xx"),
        ] {
            assert_eq!(of(text, said), expect, "{text}");
        }
    }

    #[test]
    fn a_question_may_be_in_several_languages() {
        let codes = |text: &str| -> Vec<&str> {
            let places = of_question(text.split(' '));
            places.into_iter().map(|place| tag(Some(place))).collect()
        };
        assert_eq!(codes("who is the king"), ["en"]);
        assert_eq!(codes("quien es el rey"), ["es"]);
        assert!(codes("la casa").contains(&"es") && codes("la casa").contains(&"it"));
        assert!(codes("denver broncos").is_empty());
    }

    #[test]
    fn lists_hold_folded_words_and_each_language_once() {
        for language in LANGUAGES {
            for word in language.small.split_ascii_whitespace() {
                assert_eq!(word, folded(word), "{}", language.code);
            }
            assert_eq!(
                place(Some(language.code)).map(|at| LANGUAGES[at].code),
                Some(language.code)
            );
        }
    }
}
