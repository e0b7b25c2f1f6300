//! What is said in passing: answered by the program, without any document.

use crate::language::Language;
use crate::plan::Talk;

/// The reply, in the question's language where we speak it.
pub(crate) fn reply(talk: Option<Talk>, language: Language) -> &'static str {
    let [english, spanish] = match talk {
        None | Some(Talk::Greeting) => [
            "Hello. Ask me something about your documents.",
            "Hola. Pregúntame algo sobre tus documentos.",
        ],
        Some(Talk::HowAreYou) => [
            "Fine, thank you. What would you like to know from your documents?",
            "Bien, gracias. ¿Qué quieres saber de tus documentos?",
        ],
        Some(Talk::Thanks) => ["You are welcome.", "De nada."],
        Some(Talk::Goodbye) => ["Goodbye.", "Hasta luego."],
        Some(Talk::Program) => [
            "I am Vademecum. I answer questions from your documents, on this machine, and show the words that each \
             answer stands on.",
            "Soy Vademecum. Respondo a preguntas con tus documentos, en esta máquina, y muestro las palabras en las \
             que se apoya cada respuesta.",
        ],
        Some(Talk::Help) => [
            "Ask for a fact (“How much is the deposit?”), a summary (“Summarise the lease”), or documents (“Which \
             notes mention bees?”, “How many invoices are over 500 euros?”).",
            "Pregunta por un dato («¿De cuánto es la fianza?»), un resumen («Resume el contrato») o documentos («¿Qué \
             notas mencionan abejas?», «¿Cuántas facturas superan los 500 euros?»).",
        ],
    };
    if language.code() == "es" {
        spanish
    } else {
        english
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_replies_in_the_language_of_the_question() {
        let reply = |text: &str| reply(Some(Talk::Thanks), Language::of(text, None));
        assert_eq!(reply("thank you for the help"), "You are welcome.");
        assert_eq!(reply("¡Gracias!"), "De nada.");
    }
}
