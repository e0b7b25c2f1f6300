//! Currencies and units, by the words and signs that stand for them.

use serde::{Serialize, Serializer};

/// A currency or a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unit {
    /// As it is shown: an ISO 4217 code or a sign.
    pub name: &'static str,
    /// Units with the same base can be compared.
    pub base: &'static str,
    /// How many of the base it is.
    pub factor: i64,
    /// The sign that stands before an amount, of currencies.
    pub sign: Option<&'static str>,
    words: &'static [&'static str],
}

impl Unit {
    /// The unit that a folded word, or a sign, stands for.
    pub(crate) fn of(word: &str) -> Option<Self> {
        let mut all = UNITS.iter();
        all.find(|unit| unit.words.contains(&word) || unit.sign == Some(word))
            .copied()
    }

    pub(crate) fn is_currency(self) -> bool {
        self.name.len() == 3 && self.name.bytes().all(|byte| byte.is_ascii_uppercase())
    }
}

impl Serialize for Unit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

/// A currency.
const fn money(
    name: &'static str,
    sign: Option<&'static str>,
    words: &'static [&'static str],
) -> Unit {
    Unit {
        name,
        base: name,
        factor: 1,
        sign,
        words,
    }
}

const fn unit(
    name: &'static str,
    base: &'static str,
    factor: i64,
    words: &'static [&'static str],
) -> Unit {
    Unit {
        name,
        base,
        factor,
        sign: None,
        words,
    }
}

const UNITS: &[Unit] = &[
    money("EUR", Some("€"), &["eur", "euro", "euros"]),
    money(
        "GBP",
        Some("£"),
        &["gbp", "pound", "pounds", "quid", "libra", "libras"],
    ),
    money(
        "USD",
        Some("$"),
        &[
            "usd", "us$", "dollar", "dollars", "dolar", "dolares", "bucks",
        ],
    ),
    money("JPY", Some("¥"), &["jpy", "yen", "yenes"]),
    money(
        "CHF",
        None,
        &["chf", "franc", "francs", "franco", "francos", "franken"],
    ),
    money("MXN", None, &["mxn", "peso", "pesos"]),
    money("ARS", None, &["ars"]),
    money("COP", None, &["cop"]),
    money("CLP", None, &["clp"]),
    money("PEN", None, &["pen", "soles"]),
    money("CAD", None, &["cad"]),
    money("AUD", None, &["aud"]),
    money("SEK", None, &["sek"]),
    money("NOK", None, &["nok"]),
    money("DKK", None, &["dkk"]),
    money("PLN", None, &["pln", "zloty", "zlotys"]),
    money("BRL", Some("R$"), &["brl", "real", "reales", "reais"]),
    money("INR", Some("₹"), &["inr", "rupee", "rupees", "rupias"]),
    money("CNY", None, &["cny", "rmb", "yuan", "yuanes"]),
    unit(
        "mg",
        "mg",
        1,
        &["mg", "milligram", "milligrams", "miligramo", "miligramos"],
    ),
    unit(
        "g",
        "mg",
        1_000,
        &["g", "gr", "gram", "grams", "grammes", "gramo", "gramos"],
    ),
    unit(
        "kg",
        "mg",
        1_000_000,
        &[
            "kg",
            "kgs",
            "kilo",
            "kilos",
            "kilogram",
            "kilograms",
            "kilogramo",
            "kilogramos",
        ],
    ),
    unit(
        "t",
        "mg",
        1_000_000_000,
        &["t", "tonne", "tonnes", "tonelada", "toneladas"],
    ),
    unit("lb", "lb", 1, &["lb", "lbs"]),
    unit("oz", "oz", 1, &["oz", "ounce", "ounces", "onza", "onzas"]),
    unit(
        "mm",
        "mm",
        1,
        &[
            "mm",
            "millimetre",
            "millimetres",
            "millimeter",
            "millimeters",
            "milimetro",
            "milimetros",
        ],
    ),
    unit(
        "cm",
        "mm",
        10,
        &[
            "cm",
            "centimetre",
            "centimetres",
            "centimeter",
            "centimeters",
            "centimetro",
            "centimetros",
        ],
    ),
    unit(
        "m",
        "mm",
        1_000,
        &["m", "metre", "metres", "meter", "meters", "metro", "metros"],
    ),
    unit(
        "km",
        "mm",
        1_000_000,
        &[
            "km",
            "kms",
            "kilometre",
            "kilometres",
            "kilometer",
            "kilometers",
            "kilometro",
            "kilometros",
        ],
    ),
    unit("mi", "mi", 1, &["mi", "mile", "miles", "milla", "millas"]),
    unit("ft", "ft", 1, &["ft", "foot", "feet"]),
    unit(
        "ml",
        "ml",
        1,
        &["ml", "millilitre", "millilitres", "mililitro", "mililitros"],
    ),
    unit(
        "cl",
        "ml",
        10,
        &[
            "cl",
            "centilitre",
            "centilitres",
            "centilitro",
            "centilitros",
        ],
    ),
    unit(
        "dl",
        "ml",
        100,
        &["dl", "decilitre", "decilitres", "decilitro", "decilitros"],
    ),
    unit(
        "l",
        "ml",
        1_000,
        &["l", "litre", "litres", "liter", "liters", "litro", "litros"],
    ),
    unit("m²", "m²", 1, &["m2", "m²"]),
    unit("m³", "m³", 1, &["m3", "m³"]),
    unit(
        "ha",
        "ha",
        1,
        &["ha", "hectare", "hectares", "hectarea", "hectareas"],
    ),
    unit(
        "s",
        "s",
        1,
        &[
            "s", "sec", "second", "seconds", "seg", "segundo", "segundos",
        ],
    ),
    unit(
        "min",
        "s",
        60,
        &["min", "mins", "minute", "minutes", "minuto", "minutos"],
    ),
    unit(
        "h",
        "s",
        3_600,
        &["h", "hr", "hrs", "hour", "hours", "hora", "horas"],
    ),
    unit("days", "s", 86_400, &["day", "days", "dia", "dias"]),
    unit(
        "weeks",
        "s",
        604_800,
        &["week", "weeks", "semana", "semanas"],
    ),
    unit("months", "months", 1, &["month", "months", "mes", "meses"]),
    unit("years", "months", 12, &["year", "years", "ano", "anos"]),
    unit("%", "%", 1, &["%", "percent", "pct"]),
    unit("°C", "°C", 1, &["°c", "ºc", "celsius"]),
    unit("°F", "°F", 1, &["°f", "ºf", "fahrenheit"]),
    unit("°", "°", 1, &["°", "degree", "degrees", "grado", "grados"]),
    unit("W", "W", 1, &["w", "watt", "watts", "vatio", "vatios"]),
    unit(
        "kW",
        "W",
        1_000,
        &["kw", "kilowatt", "kilowatts", "kilovatio", "kilovatios"],
    ),
    unit("kWh", "kWh", 1, &["kwh"]),
    unit("V", "V", 1, &["v", "volt", "volts", "voltio", "voltios"]),
    unit("bar", "bar", 1, &["bar", "bares"]),
    unit("pages", "pages", 1, &["page", "pages", "pagina", "paginas"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_signs_name_units() {
        for (word, name) in [("euros", "EUR"), ("£", "GBP"), ("kilos", "kg"), ("%", "%")] {
            assert_eq!(Unit::of(word).map(|unit| unit.name), Some(name));
        }
        assert_eq!(Unit::of("huevos"), None);
        assert!(Unit::of("$").is_some_and(Unit::is_currency));
        assert!(!Unit::of("min").is_some_and(Unit::is_currency));
    }

    #[test]
    fn no_word_stands_for_two_units() {
        let mut words: Vec<&str> = UNITS
            .iter()
            .flat_map(|unit| unit.words.iter().copied())
            .collect();
        let all = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), all);
    }
}
