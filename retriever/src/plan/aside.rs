//! Questions that need no passages: small talk, and questions about the library itself.

use super::asked::Asked;
use super::phrases::COURTESY;
use super::within::without_article;
use super::{Kind, LibraryFact, Plan, Talk};

/// Greetings, thanks and questions about the program, which are not searched.
pub(super) fn small_talk(asked: &Asked<'_>) -> Option<Plan> {
    const TALK: [(&str, Talk); 6] = [
        (
            "hello|hi|hey|hello there|hi there|good morning|good afternoon|good evening|hola|buenas|\
                buenos dias|buenas tardes|buenas noches|hola que tal|que tal|hallo|bonjour|ciao|ola|hoi|salut|\
                guten tag",
            Talk::Greeting,
        ),
        (
            "how are you|how are you doing|how is it going|how s it going|como estas|como te va|\
                que tal estas|how are you today|como estas hoy",
            Talk::HowAreYou,
        ),
        (
            "thanks|thank you|thanks a lot|thank you very much|many thanks|thx|cheers|gracias|muchas gracias|\
                mil gracias|great thanks|ok thanks|perfecto gracias|vale gracias|danke|merci|grazie|obrigado|\
                obrigada|bedankt|thanks for your help|gracias por tu ayuda|great|perfect|ok|okay|vale|perfecto|\
                genial|estupendo|de acuerdo|good job|nice",
            Talk::Thanks,
        ),
        (
            "bye|goodbye|good bye|see you|see you later|good night|adios|hasta luego|hasta pronto|nos vemos|\
                chao|hasta manana",
            Talk::Goodbye,
        ),
        (
            "who are you|what are you|what is your name|what s your name|are you a robot|are you human|\
                are you an ai|quien eres|que eres|como te llamas|cual es tu nombre|eres un robot|eres humano|\
                eres una ia|who made you|quien te hizo",
            Talk::Program,
        ),
        (
            "help|help me|what can you do|what can i ask|what can i ask you|how do you work|\
                how does this work|what do you do|ayuda|ayudame|que puedes hacer|que sabes hacer|\
                que puedo preguntar|que puedo preguntarte|como funcionas|como funciona esto|que haces|\
                para que sirves",
            Talk::Help,
        ),
    ];
    const NAMES: &str = "vade|vademecum|there|assistant|asistente|everyone|again|a todos";
    let say = |from: usize| {
        TALK.iter().find_map(|(phrases, talk)| {
            let length = asked.any(from, phrases)?;
            Some((*talk, asked.past(from + length, NAMES)))
        })
    };
    let (mut talk, mut at) = say(0)?;
    // "Hello, who are you?"
    while at < asked.len() {
        (talk, at) = say(at)?;
    }
    Some(Plan {
        talk: Some(talk),
        ..Plan::of(Kind::SmallTalk)
    })
}

/// Questions about the library itself.
pub(super) fn library(asked: &Asked<'_>) -> Option<Plan> {
    const FACTS: [(&str, LibraryFact); 5] = [
        (
            "what folders|which folders|list folders|list my folders|list the folders|list all folders|\
                what are my folders|show folders|show me my folders|show my folders|how many folders|\
                que carpetas|cuales son mis carpetas|lista mis carpetas|lista las carpetas|lista de carpetas|\
                cuantas carpetas|muestra mis carpetas|muestrame mis carpetas|what directories|que directorios",
            LibraryFact::Folders,
        ),
        (
            "what tags|which tags|list tags|list my tags|list the tags|list all tags|list all my tags|\
                what are my tags|show tags|show my tags|show me my tags|how many tags|que etiquetas|\
                cuales son mis etiquetas|lista mis etiquetas|lista las etiquetas|lista de etiquetas|\
                cuantas etiquetas|muestra mis etiquetas|muestrame mis etiquetas|que tags",
            LibraryFact::Tags,
        ),
        (
            "what file types|what types of files|what kinds of files|what kind of files|which file types|\
                what types of documents|what kinds of documents|what kind of documents|how many file types|\
                que tipos de archivo|que tipos de archivos|que tipo de archivos|que tipos de documentos|\
                que tipo de documentos|que clase de documentos|cuantos tipos de archivo",
            LibraryFact::Types,
        ),
        (
            "how big is my library|how large is my library|how big is the library|how big is the index|\
                what do you know about|what is in my library|what is in the library|what s in my library|\
                what do i have in my library|what do you have indexed|what is indexed|what have you indexed|\
                que hay en mi biblioteca|que hay en la biblioteca|que tengo en mi biblioteca|\
                que tienes indexado|que esta indexado|que has indexado|como de grande es mi biblioteca|\
                que contiene mi biblioteca",
            LibraryFact::Overview,
        ),
        (
            "what languages are my documents in|what languages are my notes in|\
                in what languages are my documents|which languages are my documents in|\
                en que idiomas estan mis documentos|que idiomas hay|en que idiomas estan mis notas|\
                what languages are there",
            LibraryFact::Languages,
        ),
    ];
    const REST: &str = "do i have|do you have|do we have|are there|have i got|exist|in my library|in the library|\
    have you indexed|are indexed|do you know|do you watch|are watched|do i use|have i used|tengo|\
    tienes|hay|existen|en mi biblioteca|en la biblioteca|has indexado|uso|conoces|en total|in total";
    let start = asked.past(0, COURTESY);
    if let Some(plan) = changed(asked, start) {
        return Some(plan);
    }
    if let Some(fact) = each(asked, start) {
        return Some(Plan {
            about: Some(fact),
            ..Plan::of(Kind::Library)
        });
    }
    FACTS.iter().find_map(|(phrases, fact)| {
        let mut at = start + asked.any(start, phrases)?;
        while at < asked.len() {
            at += asked.any(at, REST)?;
        }
        Some(Plan {
            about: Some(*fact),
            ..Plan::of(Kind::Library)
        })
    })
}

/// "How many notes per tag?", "¿Cuántos documentos hay en cada carpeta?"
fn each(asked: &Asked<'_>, start: usize) -> Option<LibraryFact> {
    let counts = asked.any(start, "how many|count|cuantos|cuantas|number of")?;
    super::noun::noun(asked, start + counts)?;
    let facts: [(&str, LibraryFact); 4] = [
        (
            "in each folder|per folder|by folder|for each folder|en cada carpeta|por carpeta|in every folder",
            LibraryFact::Folders,
        ),
        (
            "per tag|by tag|for each tag|with each tag|por etiqueta|con cada etiqueta|de cada etiqueta",
            LibraryFact::Tags,
        ),
        (
            "of each type|per type|by type|per file type|por tipo|de cada tipo|por tipo de archivo",
            LibraryFact::Types,
        ),
        (
            "per language|by language|in each language|por idioma|en cada idioma",
            LibraryFact::Languages,
        ),
    ];
    facts.iter().find_map(|(phrases, fact)| {
        let mut places = start..asked.len();
        let stands = places.any(|at| {
            asked
                .any(at, phrases)
                .is_some_and(|length| at + length == asked.len())
        });
        stands.then_some(*fact)
    })
}

/// "When was the lease last changed?", "¿Cuándo se modificó el contrato?"
fn changed(asked: &Asked<'_>, start: usize) -> Option<Plan> {
    const ENGLISH: &str =
        "changed|modified|edited|updated|last changed|last modified|last edited|last updated";
    const SPANISH: &str = "cuando se modifico|cuando se cambio|cuando se edito|cuando se actualizo|cuando cambie|\
        cuando modifique|cuando edite|cuando actualice|cuando fue modificado|cuando fue modificada|\
        cuando se modifico por ultima vez|cuando se cambio por ultima vez|cuando he cambiado|\
        cuando modifique por ultima vez|cuando cambie por ultima vez|cuando he modificado|\
        cuando se actualizo por ultima vez|cuando edite por ultima vez";
    let of = |from: usize, to: usize| {
        let target = without_article(asked, from, to);
        (from < to && !target.is_empty()).then(|| Plan {
            about: Some(LibraryFact::Changed),
            target: Some(target.to_owned()),
            ..Plan::of(Kind::Library)
        })
    };
    if let Some(length) = asked.any(
        start,
        "when was|when were|when did i last change|when did i last edit|when did i change|\
                when did i edit|when did i last modify|when did i last update|when did i modify",
    ) {
        let from = start + length;
        if asked.word(from - 1) != "was" && asked.word(from - 1) != "were" {
            return of(from, asked.len());
        }
        let end = (from..asked.len()).find(|at| {
            asked
                .any(*at, ENGLISH)
                .is_some_and(|length| at + length == asked.len())
        })?;
        // Things are changed and updated, too: only what is called a document is meant.
        let says_document = (from..end).any(|at| super::noun::noun(asked, at).is_some())
            || asked.span(from..end).contains('.');
        return says_document.then(|| of(from, end))?;
    }
    let from = start + asked.any(start, SPANISH)?;
    let end = (from..asked.len()).find(|at| asked.any(*at, "por ultima vez").is_some());
    let end = end.unwrap_or(asked.len());
    let says_document = (from..end).any(|at| super::noun::noun(asked, at).is_some())
        || asked.span(from..end).contains('.');
    says_document.then(|| of(from, end))?
}
