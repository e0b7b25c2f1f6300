//! The phrases that rules over documents know, in English and Spanish; a few of other languages.
//!
//! Words are folded, phrases separated by `|`.

pub(super) const COUNT: &str = "\
    how many|how many of|how many of my|how many of the|count|count all|count the|count my|\
    number of|the number of|what number of|que numero de|cual es la cantidad de|que cantidad de|what is the number of|what s the number of|whats the number of|\
    in how many|in how many of my|at how many|to how many|for how many|from how many|on how many|\
    a cuantos|a cuantas|de cuantos|de cuantas|con cuantos|con cuantas|para cuantos|para cuantas|\
    a cuantos de mis|a cuantas de mis|en cuantos de mis|en cuantas de mis|cuantos|cuantas|cuantas de mis|cuantos de mis|cuantas de las|\
    cuantos de los|cuenta|cuenta las|cuenta los|numero de|el numero de|cual es el numero de|\
    en cuantas|en cuantos|combien de|wie viele|quante|quanti|hoeveel|quantos|quantas";
pub(super) const LIST: &str = "\
    list|list all|list of|a list of|give me a list of|show|show me|show all|show me all|\
    show me a list of|give me|give me all|find|find all|find me|find me all|get|get me|enumerate|\
    name|name all|display|see|let me see|i want to see|i want|search for|look for|make a list of|\
    what are|what are all|which are|which|which of|which of my|which of the|what|in which|\
    in which of my|in what|at which|to which|from which|for which|on which|at what|all|every|\
    a que|a cuales|de que|con que|para que|en cuales|do i have|do we have|do you have|have i got|are there|is there|\
    lista|lista de|listame|haz una lista de|hazme una lista de|una lista de|dame una lista de|\
    enumera|muestra|muestrame|ensename|ensena|dame|busca|buscame|encuentra|quiero ver|que|cuales|\
    cuales son|cuales de|en que|en cuales de|hay|tengo|tenemos|tienes|todas|where are|where are my|\
    donde estan|donde estan mis|what are my";
/// Openers that ask which one: one document is meant by a word for one.
pub(super) const ASKING: &str = "\
    which|which of|which of my|which of the|what|in which|in which of my|in what|at which|to which|\
    from which|for which|on which|a que|a cuales|de que|con que|para que|do i have|\
    do we have|do you have|have i got|are there|is there|que|en que|hay|tengo|tenemos|tienes|find";
pub(super) const TABLE: &str = "\
    table of|a table of|show a table of|a table with|table with|show a table with|tabla de|make a table of|make me a table of|give me a table of|show me a table of|\
    create a table of|as a table|tabla de|tabla con|una tabla de|una tabla con|haz una tabla de|\
    haz una tabla con|hazme una tabla de|hazme una tabla con|dame una tabla de|dame una tabla con";
pub(super) const SUM: &str = "\
    total of|the total of|total amount of|the total amount of|total value of|the total value of|\
    sum of|the sum of|sum up|sum|add up|what is the total of|what s the total of|\
    what is the total amount of|what s the total amount of|what is the total value of|\
    what is the sum of|what s the sum of|how much are|how much do|how much is the total of|what do|\
    what is the combined total of|suma|suma de|la suma de|cuanto suman|cuanto suma|cuanto son|\
    cuanto es el total de|cual es el total de|cual es la suma de|cual es el importe total de|\
    importe total de|el total de|total de|el importe total de|cuanto valen|cuanto suman en total|\
    dime el total de|cuanto es en total|what did|what does|how much did|how much does|dime la suma de|calcula el total de|calcula la suma de|calculate the total of|\
    calculate the sum of|tell me the total of|a cuanto ascienden|a cuanto asciende el total de";
/// What stands at the end where a sum is asked for with "how much do … come to".
pub(super) const SUM_END: &str = "\
    add up to|come to|total|sum to|amount to|in total|altogether|all together|worth|worth in total|\
    en total|add up to in total|cost in total|sum up to|juntas";
pub(super) const AVERAGE: &str = "\
    average of|the average of|average amount of|the average amount of|what is the average of|\
    what is the average amount of|what s the average of|what is the mean of|mean of|media de|\
    la media de|promedio de|el promedio de|cual es la media de|cual es el promedio de|\
    cual es el importe medio de|importe medio de|el importe medio de|the mean of|what s the mean of|\
    mean amount of|the mean amount of|what is the mean amount of|what is the average|average|\
    what is the mean|cuanto es de media|cual es de media|dime la media de";
pub(super) const LARGEST: &str = "\
    largest|biggest|highest|most expensive|greatest|dearest|costliest|highest amount|largest amount|\
    highest total|mas alta|mas alto|mas cara|mas caro|mas grande|mas elevada|mas elevado|mayor|\
    mas altas|mas altos|mas caras|mas caros|mas grandes|mayores|mas elevadas|mas elevados|\
    mayor importe|de mayor importe|con mayor importe|importe mas alto|importe mayor|mas importe";
pub(super) const WHICH_ONE: &str = "\
    which is the|what is the|what s the|what are the|which are the|which of my|which of the|que|\
    cual de mis|cual de las|cual de los|que de mis|which is my|what is my|what s my|which|show me the|\
    show me my|cual es la|cual es el|cual es mi|cual fue la|cual fue el|dime la|dime el|\
    what was the|what was my|which was the|which was my|cual fue mi";
pub(super) const DETERMINERS: &str = "\
    of my|of the|of all my|all|all my|all the|all of my|all of the|the|my|our|any|some|every|mis|\
    las|los|la|el|todas|todos|todas mis|todas las|todos los|todos mis|alguna|algun|de mis|a|an|un|\
    una|each|cada";
pub(super) const NEWEST: &str = "\
    latest|newest|most recent|last|recent|ultimas|ultimos|ultima|ultimo|mas recientes|mas reciente|\
    mas nuevas|mas nueva|mas nuevos|mas nuevo|recientes";
/// What says whether nested tags count, too, and whether they do not.
pub(super) const SUBTAGS: [(&str, bool); 2] = [
    (
        "subtags included|including subtags|including its subtags|including the subtags|with subtags|\
        with its subtags|with all its subtags|and its subtags|and subtags|including nested tags|\
        including nested ones|nested tags included|subtags too|subtags as well|counting subtags|\
        counting its subtags|con sus subetiquetas|con subetiquetas|y sus subetiquetas|\
        con todas sus subetiquetas|subetiquetas incluidas|incluidas las subetiquetas|\
        incluidas sus subetiquetas|incluyendo subetiquetas|incluyendo las subetiquetas|\
        incluyendo sus subetiquetas|contando subetiquetas|contando las subetiquetas|\
        contando sus subetiquetas|subetiquetas inclusive|con las subetiquetas",
        false,
    ),
    (
        "without subtags|without its subtags|not counting subtags|not its subtags|excluding subtags|\
        excluding its subtags|subtags excluded|not including subtags|sin subetiquetas|\
        sin sus subetiquetas|sin contar subetiquetas|sin contar las subetiquetas|\
        sin contar sus subetiquetas|excluidas las subetiquetas|sin incluir subetiquetas",
        true,
    ),
];
/// Words that say nothing more about which documents are meant.
pub(super) const IDLE: &str = "\
    do i have|do we have|do you have|have i got|i have|we have|there are|are there|is there|are|is|\
    were|was|that|which|who|and|that are|which are|have|has|in total|in all|altogether|\
    in my library|in the library|in my vault|in my collection|in my documents|in my notes|\
    in my files|in the index|indexed|stored|exist|please|of mine|right now|now|currently|so far|\
    with|dated|took place|take place|happened|were held|was held|did we have|did i have|hubo|\
    se celebraron|se celebro|tuvieron lugar|tuvo lugar|se hicieron|hay|tengo|tenemos|tienes|que|son|estan|esta|y|en total|en mi biblioteca|\
    en la biblioteca|en mi coleccion|en mis documentos|en mis notas|existen|por favor|ahora|\
    ahora mismo|indexados|indexadas|de|con|of|fechadas|fechados|habe ich|ai je|j ai|heb ik|gibt es|\
    tenho|ho";
pub(super) const APPEAR: &str = "\
    appear|appears|mentioned|is mentioned|named|come up|comes up|occur|occurs|referred to|discussed|\
    cited";
pub(super) const AMOUNTS: &str = "\
    amounts|amount|totals|total|prices|price|costs|cost|values|importes|importe|totales|precios|\
    precio|costes|cuantias";
pub(super) const DATES: &str = "dates|date|fechas|fecha";
/// Courtesies before a question.
pub(super) const COURTESY: &str = "\
    please|can you|could you|can you please|could you please|would you|will you|hey|ok|tell me|\
    can you tell me|could you tell me|i would like to know|i want to know|so|and|por favor|puedes|\
    podrias|me puedes|puedes decirme|me puedes decir|dime|oye|quiero saber|quisiera saber|\
    me gustaria saber|y|sabes|do you know";
pub(super) const TAGGED: &str = "\
    tagged|tagged with|tagged both|tagged either|with both tags|tagged as|labelled|labelled with|\
    labeled|labeled with|with the tag|with tag|with a tag|with the tags|with tags|have the tag|\
    has the tag|have tag|having the tag|under the tag|marked with|marked|carry the tag|etiquetadas|\
    etiquetado|etiquetada|tienen las etiquetas|llevan las etiquetas|etiquetados|etiquetadas con|\
    etiquetados con|etiquetadas como|etiquetados como|etiquetada con|etiquetado con|con la etiqueta|\
    con etiqueta|con las etiquetas|tienen la etiqueta|tiene la etiqueta|tienen el tag|con el tag|\
    llevan la etiqueta|lleva la etiqueta|llevan el tag|marcadas con|marcados con|marcadas como|\
    de la etiqueta|bajo la etiqueta|con el hashtag";
pub(super) const UNTAGGED: &str = "\
    untagged|without tags|without a tag|without any tag|without any tags|not tagged|no tags|\
    with no tags|have no tags|sin etiquetas|sin etiqueta|sin etiquetar|sin ninguna etiqueta|\
    no tienen etiquetas";
pub(super) const IN: &str = "\
    in|in the|in my|inside|inside the|inside of|under|under the|from|from the|from my|of|of the|\
    within|within the|stored in|lie in|live in|en|en la|en el|en mi|en mis|en las|en los|dentro de|\
    dentro de la|dentro del|de|de la|del|de las|de los|bajo|guardadas en|guardados en|for";
pub(super) const TITLED: &str = "\
    titled|entitled|called|named|whose title contains|whose title has|whose title is|\
    whose name contains|with a title containing|with the title|whose title mentions|tituladas|\
    titulados|titulada|titulado|llamadas|llamados|llamada|llamado|que se llaman|que se titulan|\
    cuyo titulo contiene|cuyo titulo es|cuyo nombre contiene|cuyo titulo incluye|con el titulo|\
    que se llama|cuyo titulo tiene|whose title includes|whose name includes|se titulan|se titula|\
    se llaman|se llama";
pub(super) const IN_TITLE: &str = "\
    in the title|in their title|in its title|in the name|in the file name|en el titulo|en su titulo|\
    en el nombre|en el nombre de archivo";
pub(super) const WITH: &str = "\
    with|that have|having|containing|con|que tienen|que contienen|have|has|contain|contains|tienen|\
    tiene|contienen|contiene";
pub(super) const MENTION: &str = "\
    mention|mentions|mentioning|contain|contains|containing|about|talk about|talks about|\
    talking about|speak of|speak about|speaks of|refer to|refers to|referring to|discuss|discusses|\
    discussing|regarding|concerning|related to|on the subject of|with the word|with the words|\
    with the phrase|contain the word|contain the words|contain the phrase|containing the word|\
    mention the word|include the word|deal with|cover|mencionan|menciona|mencionen|mencione|\
    mencionando|hablan de|hablan del|habla del|tratan del|trata del|do i have on|do we have on|\
    i have on|acerca del|hablan sobre|habla de|habla sobre|hablen de|tratan de|tratan sobre|tratan|\
    trata de|trata sobre|sobre|acerca de|contienen|contiene|contengan|se refieren a|se refiere a|\
    nombran|nombra|citan|cita|con la palabra|con las palabras|con la frase|contienen la palabra|\
    contiene la palabra|mencionan la palabra|aparece|aparecen|sale|salen|se menciona|se mencionan|\
    se habla de|se nombra|se cita|relacionadas con|relacionados con|referentes a|en las que sale|\
    en las que aparece|en los que aparece|donde aparece|mentionnent|erwahnen|menzionano|mencionam|\
    vermelden|parlent de";
/// Verbs that say it only right behind the word for documents.
pub(super) const WEAK_MENTION: &str = "\
    use|uses|using|include|includes|including|need|needs|call for|have|usan|usa|utilizan|llevan|\
    lleva|incluyen|incluye|necesitan|tienen|on|by";
pub(super) const BUT_NOT: &str = "\
    but not|and not|but do not mention|but don t mention|but without|pero no|y no|pero no mencionan|\
    y no mencionan|pero sin";
pub(super) const LINK: &str = "\
    link to|links to|linking to|linked to|with a link to|with links to|enlazan a|enlazan con|\
    enlaza a|enlaza con|con enlace a|con un enlace a|con enlaces a";
pub(super) const ARTICLES: &str = "\
    the|a|an|my|any|some|el|la|los|las|un|una|unos|unas|mi|mis|al|a la|a los|a mi|both|both the|\
    either|tanto|tanto a";
/// What may stand behind the mentioned words.
pub(super) const TRAILING: &str = "\
    are there|is there|do i have|have i got|do we have|i have|hay|tengo|tenemos|please|por favor|\
    at all|do you have|tienes|anywhere";
pub(super) const LANGUAGES: [(&str, &str); 7] = [
    (
        "in english|english|en ingles|written in english|escritas en ingles",
        "en",
    ),
    (
        "in spanish|spanish|en espanol|en castellano|written in spanish|escritas en espanol",
        "es",
    ),
    ("in french|french|en frances|written in french", "fr"),
    ("in german|german|en aleman|written in german", "de"),
    ("in italian|italian|en italiano|written in italian", "it"),
    (
        "in portuguese|portuguese|en portugues|written in portuguese",
        "pt",
    ),
    (
        "in dutch|dutch|en neerlandes|en holandes|written in dutch",
        "nl",
    ),
];
