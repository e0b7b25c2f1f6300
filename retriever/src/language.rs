//! The language of a question, and what the program says in it.
//!
//! A question is short, and statistics guess wrong on three words. So its own words decide, those that belong to one
//! language more than those that several share; then the conversation; then, of long questions, statistics; else it
//! is English.

use whatlang::{Detector, Lang, Script, detect_script};

use crate::fold::{listed, plain};
use crate::proof::Claim;

/// A language answers are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Language {
    /// Its English name, for instructions to a model.
    pub name: &'static str,
    lang: Lang,
}

const fn language(name: &'static str, lang: Lang) -> Language {
    Language { name, lang }
}

const ENGLISH: Language = language("English", Lang::Eng);
const SPANISH: Language = language("Spanish", Lang::Spa);
const FRENCH: Language = language("French", Lang::Fra);

/// Words of questions and requests, with those that stand in nearly every sentence. Accents are left out, as people
/// do.
const WORDS: [(Language, &str); 7] = [
    (
        ENGLISH,
        "what when where who whom whose which how why is are was were did does do has have had can could should \
         would will shall may might must the of my our your their his her its this that these those there for about \
         and with from by at to in on an any some all much many often long far old give tell show find list explain \
         summarise summarize summary describe compare count name please every each between before after than most \
         more less last next first not no yes i we you they he she it us them me phone number address price cost date \
         note notes mention does doesn what's who's when's need needs said says latest \
         s telephone password key email mail invoice appointment rent train ticket meeting car flat house hour time",
    ),
    (
        SPANISH,
        "resume resumen sintetiza enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre \
         que cuando donde quien quienes cual cuales como cuanto cuanta cuantos cuantas por porque para es son esta \
         estan era fue fueron hay tiene tienen tengo tenemos puede puedo pueden debo debe hace el la los las lo un una \
         unos unas del al de en con sin sobre entre desde hasta segun mi mis tu tus su sus nuestro nuestra este estos \
         estas ese esa eso aquel dame dime muestra busca lista enumera explica resume resumen describe compara cuenta \
         haz y o no si mas menos mucho ultima ultimo primera primero cada todos todas algun alguna telefono numero \
         direccion precio cuesta cuestan fecha nota notas menciona mencionan correo nos me te se le les ha han quiero \
         necesito necesita llama llamaba dice \
         contrasena clave llave email factura cita alquiler tren billete reunion coche piso casa hora horario \
         anden asiento",
    ),
    (
        FRENCH,
        "resume que qui quoi quand ou quel quelle quels quelles comment combien pourquoi est sont etait etaient a ont avait \
         avons peut peux dois doit faut le la les un une des du de au aux en dans avec sans sur entre depuis jusqu \
         mon ma mes ton ta tes son sa ses notre nos votre vos leur leurs ce cet cette ces donne donnez moi dis \
         montre trouve liste explique resume resumez decris compare compte et pas ne plus moins chaque tous toutes \
         telephone numero adresse prix coute coutent date il elle ils elles je nous vous on y t l d s c qu combien \
         faire fait ete quelqu \
         mot passe cle clef mail email facture rendez loyer train billet reunion voiture appartement maison \
         heure quai siege",
    ),
    (
        language("German", Lang::Deu),
        "was wann wo wer wem wen wessen welche welcher welches welchen wie warum wieso wieviel viele ist sind war \
         waren hat haben hatte kann darf muss soll wird werden gibt gab der die das den dem des ein eine einen einem \
         einer eines mein meine meinen meiner dein deine sein seine ihr ihre ihren unser unsere und oder nicht kein \
         keine mit ohne von vom zum zur fur fuer auf aus bei im in am an nach vor uber ueber zwischen seit bis gib \
         nenne sag zeig zeige finde liste erklare fasse zusammen beschreibe vergleiche zahle mir mich uns ich du er \
         sie es wir telefonnummer nummer adresse preis kostet kosten datum heisst heissen lange oft alle jede jeder \
         letzte letzten erste wohnt steht \
         passwort schlussel email rechnung termin miete zug fahrkarte sitzung auto wohnung haus uhr gleis \
         sitzplatz",
    ),
    (
        language("Italian", Lang::Ita),
        "che cosa cos quando dove dov chi quale quali qual come quanto quanta quanti quante perche e sono era erano c \
         ci ha hanno ho abbiamo puo posso deve devo il lo la i gli le un uno una del dello della dei degli delle di \
         al allo alla ai alle da dal dalla nel nella nei in con senza su sul sulla tra fra per mio mia miei mie tuo \
         tua suo sua suoi nostro nostra questo questa questi queste quel quella dammi dimmi mostra trova elenca \
         spiega riassumi riassunto descrivi confronta conta non si piu meno ogni tutti tutte telefono numero \
         indirizzo prezzo costa costano data quant l \
         password chiave email fattura appuntamento affitto treno biglietto riunione auto appartamento casa \
         ora orario binario posto",
    ),
    (
        language("Portuguese", Lang::Por),
        "que o quando onde quem qual quais como quanto quanta quantos quantas por porque e sao esta estao era foi \
         foram ha tem temos tenho pode posso podem deve devo a os as um uma uns umas do da dos das de no na nos nas \
         em ao aos com sem sobre entre desde ate meu minha meus minhas teu tua seu sua seus suas nosso nossa este \
         isto esse essa isso aquele me diga mostre mostra procure lista explique resuma resumo descreva compare \
         conte nao sim mais menos cada todos todas telefone numero endereco preco custa custam data fica voce eu \
         ele ela eles nota notas \
         fecha abre senha chave email fatura consulta aluguel renda comboio trem bilhete reuniao carro apartamento casa \
         hora horario plataforma lugar",
    ),
    (
        language("Dutch", Lang::Nld),
        "wat wanneer waar wie wiens welke welk hoe waarom hoeveel is zijn was waren heeft hebben had kan mag moet zal \
         wordt worden de het een van voor met zonder op in uit bij naar over tussen sinds tot mijn jouw zijn haar ons \
         onze hun deze dit die dat en of niet geen geef noem zeg toon zoek vind lijst leg vat samen beschrijf \
         vergelijk tel mij me ik jij je hij zij ze wij we er telefoonnummer nummer adres prijs kost kosten datum \
         heet lang vaak alle elke laatste eerste staat woont \
         wachtwoord sleutel email rekening afspraak huur trein kaartje vergadering auto woning huis uur spoor \
         zitplaats",
    ),
];

/// Languages of other scripts, which need no words to be told.
const SCRIPTS: [(Script, Language); 8] = [
    (Script::Cyrillic, language("Russian", Lang::Rus)),
    (Script::Greek, language("Greek", Lang::Ell)),
    (Script::Mandarin, language("Chinese", Lang::Cmn)),
    (Script::Hangul, language("Korean", Lang::Kor)),
    (Script::Arabic, language("Arabic", Lang::Ara)),
    (Script::Hebrew, language("Hebrew", Lang::Heb)),
    (Script::Thai, language("Thai", Lang::Tha)),
    (Script::Devanagari, language("Hindi", Lang::Hin)),
];

/// Scripts that set no spaces between words.
const UNSPACED: [Script; 5] = [
    Script::Mandarin,
    Script::Hiragana,
    Script::Katakana,
    Script::Hangul,
    Script::Thai,
];

/// Words that ask, in languages of other scripts with spaces.
const ASKING: &str = "где кто что когда как сколько почему какой какая какое какие чей зачем куда это на по из у в с и \
    що коли де чому скільки που πού ποιος ποιοσ ποια τι ποτε πότε πως πώς ποσο πόσο γιατι γιατί ειναι είναι το η ο \
    ما ماذا من متى أين اين كيف كم لماذا هل في מה מי מתי איפה היכן איך כמה למה האם של את \
    क्या कौन कब कहाँ कैसे कितना क्यों है का की के";

/// Of fewer words statistics say nothing.
const ENOUGH_WORDS: usize = 6;

impl Language {
    /// The language of `question`, asked in a conversation in the language `before`.
    pub(crate) fn of(question: &str, before: Option<Self>) -> Self {
        if question.contains(['¿', '¡', 'ñ']) {
            return SPANISH;
        }
        // Without its accent the word is Spanish.
        if question.to_lowercase().starts_with("résum") {
            return FRENCH;
        }
        if question
            .chars()
            .any(|c| matches!(c, '\u{3040}'..='\u{30ff}'))
        {
            return language("Japanese", Lang::Jpn);
        }
        // Only in French a space stands before it.
        if question.trim_end().ends_with(" ?") && by_words(question, Some(FRENCH)) == Some(FRENCH) {
            return FRENCH;
        }
        let script = detect_script(question);
        if let Some((_, language)) = SCRIPTS.iter().find(|(known, _)| Some(*known) == script) {
            return *language;
        }
        by_words(question, before).unwrap_or_else(|| before.unwrap_or_else(|| statistics(question)))
    }

    /// Whether a text has a word that people of some language ask with, or is in a script without spaces between words.
    pub(crate) fn is_spoken(text: &str) -> bool {
        let folded = plain(text);
        let mut words = folded.split(|c: char| !c.is_alphanumeric());
        let is_known = |word: &str| WORDS.iter().any(|(_, known)| listed(known, word));
        let has_spaces = !detect_script(text).is_some_and(|script| UNSPACED.contains(&script));
        !has_spaces || words.any(|word| word.len() > 1 && (is_known(word) || listed(ASKING, word)))
    }

    /// ISO 639-1 code.
    pub(crate) fn code(self) -> &'static str {
        match self.lang {
            Lang::Spa => "es",
            Lang::Por => "pt",
            Lang::Cmn => "zh",
            Lang::Ell => "el",
            other => &other.code()[..2],
        }
    }

    /// Yes and no.
    pub(crate) fn yes_no(self) -> [&'static str; 2] {
        match self.lang {
            Lang::Spa => ["Sí", "No"],
            Lang::Fra => ["Oui", "Non"],
            Lang::Deu => ["Ja", "Nein"],
            Lang::Ita => ["Sì", "No"],
            Lang::Por => ["Sim", "Não"],
            Lang::Nld => ["Ja", "Nee"],
            Lang::Rus => ["Да", "Нет"],
            Lang::Ell => ["Ναι", "Όχι"],
            Lang::Cmn => ["是", "否"],
            Lang::Jpn => ["はい", "いいえ"],
            Lang::Kor => ["예", "아니요"],
            Lang::Ara => ["نعم", "لا"],
            Lang::Heb => ["כן", "לא"],
            _ => ["Yes", "No"],
        }
    }

    /// What is said when the documents hold no answer.
    pub(crate) fn not_found(self) -> &'static str {
        match self.lang {
            Lang::Spa => "No está en tus documentos.",
            Lang::Fra => "Ce n'est pas dans vos documents.",
            Lang::Deu => "Das steht nicht in deinen Dokumenten.",
            Lang::Ita => "Non è nei tuoi documenti.",
            Lang::Por => "Não está nos seus documentos.",
            Lang::Nld => "Dat staat niet in je documenten.",
            Lang::Rus => "Этого нет в ваших документах.",
            Lang::Ell => "Δεν υπάρχει στα έγγραφά σας.",
            Lang::Cmn => "您的文档中没有这个内容。",
            Lang::Jpn => "あなたの文書にはありません。",
            Lang::Kor => "문서에 없습니다.",
            Lang::Ara => "هذا غير موجود في مستنداتك.",
            Lang::Heb => "זה לא מופיע במסמכים שלך.",
            _ => "It is not in your documents.",
        }
    }

    /// What a document says in another language, said to be its words.
    pub(crate) fn says(self, words: &str) -> String {
        match self.lang {
            Lang::Spa => format!("el documento dice, en su idioma: «{words}»"),
            Lang::Fra => format!("le document dit, dans sa langue : « {words} »"),
            Lang::Deu => format!("im Dokument steht, in seiner Sprache: „{words}“"),
            Lang::Ita => format!("il documento dice, nella sua lingua: «{words}»"),
            Lang::Por => format!("o documento diz, na sua língua: «{words}»"),
            Lang::Nld => format!("het document zegt, in zijn taal: “{words}”"),
            Lang::Eng => format!("the document says, in its language: “{words}”"),
            _ => words.to_owned(),
        }
    }

    /// What a sentence in it claims. In German all nouns have capitals, and tell no names.
    pub(crate) fn claim(self, sentence: &str) -> Claim {
        match self.lang {
            Lang::Deu => Claim::of(&sentence.to_lowercase()),
            _ => Claim::of(sentence),
        }
    }
}

/// The language that most of a question's words belong to; none where no word tells, or two languages are level and
/// the conversation's is neither.
fn by_words(question: &str, before: Option<Language>) -> Option<Language> {
    let folded = plain(question);
    let words: Vec<&str> = folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let mut scores = [0.0_f32; WORDS.len()];
    for word in &words {
        let of: Vec<usize> = (0..WORDS.len())
            .filter(|place| listed(WORDS[*place].1, word))
            .collect();
        #[expect(clippy::cast_precision_loss, reason = "a handful of languages")]
        let share = 1.0 / of.len().max(1) as f32;
        for place in of {
            scores[place] += share;
        }
    }
    let best = scores.iter().copied().fold(0.0, f32::max);
    if best == 0.0 {
        return None;
    }
    let level: Vec<Language> = (0..WORDS.len())
        .filter(|place| scores[*place] > best - 0.05)
        .map(|place| WORDS[place].0)
        .collect();
    match level.as_slice() {
        [only] => Some(*only),
        level => before
            .filter(|before| level.contains(before))
            .or_else(|| level.contains(&SPANISH).then_some(SPANISH))
            .filter(|_| !level.contains(&ENGLISH)),
    }
}

/// What statistics say of a long question; English of a short one.
fn statistics(question: &str) -> Language {
    if question.split_whitespace().count() < ENOUGH_WORDS {
        return ENGLISH;
    }
    let languages = WORDS.iter().map(|(language, _)| language.lang).collect();
    let detected = Detector::with_allowlist(languages).detect(question);
    let detected = detected.filter(whatlang::Info::is_reliable);
    detected
        .and_then(|info| {
            WORDS
                .iter()
                .find(|(language, _)| language.lang == info.lang())
        })
        .map_or(ENGLISH, |(language, _)| *language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(question: &str, expect: &str) {
        assert_eq!(Language::of(question, None).name, expect, "{question}");
    }

    #[test]
    fn questions_are_told_apart() {
        check("When does the lease end?", "English");
        check("¿Cuándo acaba el contrato?", "Spanish");
        check("cuanto cuesta el agua", "Spanish");
        check("What is the abuela's recipe?", "English");
        check("Wann endet der Mietvertrag für die Wohnung?", "German");
        check("Quelle est la durée du contrat de location ?", "French");
    }

    #[test]
    fn a_few_words_are_enough() {
        check("Quel quai ?", "French");
        check("Bob's email?", "English");
        check("Quando fecha o ginásio?", "Portuguese");
        check("Fecha de la cita", "Spanish");
        check("mot de passe du wifi", "French");
        check("horário do comboio", "Portuguese");
        check("Qual è il binario?", "Italian");
        check("Miete Wohnung", "German");
        check("factura luz", "Spanish");
        check("Give me Bob's email", "English");
        check("Gibt es einen Schatz?", "German");
        check("Dov'è il tesoro?", "Italian");
        check("Wo ist der Schatz?", "German");
        check("Où est le trésor ?", "French");
        check("Onde está o tesouro?", "Portuguese");
        check("Waar is de schat?", "Dutch");
        check("Resume el contrato", "Spanish");
        check("Resume la guía de la caldera", "Spanish");
        check("Resume acta-abril.md", "Spanish");
        check("Résume le contrat", "French");
        check("Dame su teléfono", "Spanish");
        check("Summarise the lease", "English");
        check("Hoeveel kost het?", "Dutch");
        check("Combien ça coûte ?", "French");
        check("Quanto costa?", "Italian");
        check("Quanto custa?", "Portuguese");
        check("Was kostet das?", "German");
        check("Где ключ?", "Russian");
        check("鍵はどこですか", "Japanese");
        check("钥匙在哪里", "Chinese");
    }

    #[test]
    fn questions_are_told_from_what_nobody_says() {
        for spoken in [
            "When is the hedge trimmed?",
            "¿Cuándo se poda?",
            "鍵はどこですか",
            "wann kommt er",
        ] {
            assert!(Language::is_spoken(spoken), "{spoken}");
        }
        for nothing in [
            "zzzqqq",
            "xkcdfoo blarg",
            "ñuqui ñaqui",
            "шмурдяк фыва",
            "",
            "q w",
        ] {
            assert!(!Language::is_spoken(nothing), "{nothing}");
        }
    }

    #[test]
    fn words_of_another_language_are_said_to_be_the_documents() {
        let french = Language::of("Où est le trésor ?", None);
        let says = french.says("It is in the teapot.");
        assert!(says.starts_with("le document dit") && says.contains("It is in the teapot."));
    }

    #[test]
    fn german_nouns_are_no_names() {
        let german = Language::of("Wo ist der Schatz?", None);
        let sentence = "Das Frühstück kostet 7 Euro.";
        assert_eq!(german.claim(sentence).lacks("Desayuno, 7 euros.").0, 0);
        assert_eq!(german.claim(sentence).lacks("Desayuno, 8 euros.").0, 1);
    }

    #[test]
    fn what_tells_nothing_is_english_or_as_before() {
        check("boiler error E4", "English");
        check("nils olsen", "English");
        let spanish = Some(Language::of("¿Y eso?", None));
        assert_eq!(Language::of("nils olsen", spanish).name, "Spanish");
        assert_eq!(Language::of("the boiler", spanish).name, "English");
    }
}
