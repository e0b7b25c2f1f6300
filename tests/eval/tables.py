#!/usr/bin/env python3
"""Writes twelve quarterly reports that look alike, a few other tables, and 40 questions on their cells.

    tables.py FOLDER        FOLDER/notes and FOLDER/cases.toml, the same each time

Three companies, four quarters, 40 rows a table, each with the quarter of the year before beside it. One company reports
in Spanish. Half of the questions are English, half Spanish. Companies and figures are invented.
"""

import json
import sys
from pathlib import Path

from vault import scattered

# The rows of a report: English and Spanish name, smallest and largest value in thousands.
ROWS = [
    ("Revenue", "Ingresos", 41000, 68000),
    ("Cost of sales", "Coste de ventas", 22000, 39000),
    ("Gross profit", "Margen bruto", 15000, 29000),
    ("Research and development", "Investigación y desarrollo", 2100, 5200),
    ("Selling expenses", "Gastos comerciales", 3100, 6400),
    ("Administrative expenses", "Gastos de administración", 1800, 3900),
    ("Depreciation", "Amortizaciones", 900, 2400),
    ("Restructuring costs", "Costes de reestructuración", 100, 900),
    ("Other operating income", "Otros ingresos de explotación", 120, 880),
    ("Operating profit", "Resultado de explotación", 4200, 9800),
    ("Interest income", "Ingresos financieros", 60, 410),
    ("Interest expense", "Gastos financieros", 300, 1300),
    ("Exchange differences", "Diferencias de cambio", 10, 390),
    ("Profit before tax", "Resultado antes de impuestos", 3900, 9100),
    ("Income tax", "Impuesto sobre beneficios", 800, 2300),
    ("Net profit", "Resultado neto", 2900, 7200),
    ("Cash and cash equivalents", "Efectivo y equivalentes", 8000, 21000),
    ("Trade receivables", "Deudores comerciales", 9000, 17000),
    ("Contract assets", "Activos por contratos", 400, 2900),
    ("Inventories", "Existencias", 7000, 15500),
    ("Prepaid expenses", "Gastos anticipados", 300, 1500),
    ("Property, plant and equipment", "Inmovilizado material", 30000, 52000),
    ("Right-of-use assets", "Derechos de uso", 2500, 6900),
    ("Intangible assets", "Inmovilizado intangible", 3200, 8800),
    ("Deferred tax assets", "Activos por impuesto diferido", 500, 1900),
    ("Trade payables", "Acreedores comerciales", 6000, 12500),
    ("Short-term borrowings", "Deuda a corto plazo", 2000, 7800),
    ("Long-term borrowings", "Deuda a largo plazo", 9000, 24000),
    ("Lease liabilities", "Pasivos por arrendamiento", 2400, 6700),
    ("Provisions", "Provisiones", 700, 2600),
    ("Deferred income", "Ingresos diferidos", 600, 3100),
    ("Share capital", "Capital social", 5000, 9000),
    ("Retained earnings", "Reservas", 21000, 43000),
    ("Cash from operations", "Flujo de las operaciones", 3500, 10400),
    ("Capital expenditure", "Inversiones en inmovilizado", 1200, 5600),
    ("Dividends paid", "Dividendos pagados", 500, 2700),
    ("Employees at period end", "Plantilla al cierre", 310, 980),
    ("Orders received", "Pedidos recibidos", 38000, 71000),
    ("Order backlog", "Cartera de pedidos", 52000, 120000),
    ("Patents held", "Patentes en vigor", 20, 190),
]
COMPANIES = [("Brightwater Instruments", "bwi", False), ("Calder Foods", "cfo", False), ("Naviera Olivares", "nol", True)]
ENDS_EN = ["31 March", "30 June", "30 September", "31 December"]
ENDS_ES = ["31 de marzo", "30 de junio", "30 de septiembre", "31 de diciembre"]
ORDER_EN = ["first", "second", "third", "fourth"]
ORDER_ES = ["primer", "segundo", "tercer", "cuarto"]

SMALL = {
    "ferry-fares.md": """# Ferry fares 2026

| Route | Foot passenger | Bicycle | Car | Motorhome |
|---|---|---|---|---|
| Saltney - Orm | 8.40 | 3.00 | 37.50 | 58.00 |
| Saltney - Little Orm | 9.10 | 3.00 | 41.00 | 63.50 |
| Orm - Little Orm | 4.20 | 1.50 | 18.00 | 29.00 |
| Saltney - Gull Rock | 11.60 | not carried | not carried | not carried |

Children under 14 pay half of the foot passenger's fare.
""",
    "seed-stock.csv": """variety,packets,sow from,sow until,price
Broad bean Aquila,14,October,March,2.85
Pea Hartley,9,March,June,2.60
Carrot Redgrove,22,April,July,1.95
Leek Musket,6,March,April,2.10
Beet Ruby Globe,17,April,July,1.80
Kale Northern Curl,0,April,June,2.20
""",
    "shift-rota.md": """# Rota, week of 2 March

| | Mon | Tue | Wed | Thu | Fri |
|---|---|---|---|---|---|
| Early | Anil | Bea | Anil | Corin | Bea |
| Late | Corin | Anil | Bea | Anil | Corin |
| Night | Dot | Dot | Edda | Edda | Dot |
""",
    "tarifas-piscina.md": """# Tarifas de la piscina 2026

| Abono | Un mes | Tres meses | Un año |
|---|---|---|---|
| Infantil | 19,50 | 52,00 | 171,00 |
| Adulto | 31,00 | 84,50 | 288,00 |
| Familiar | 49,00 | 133,00 | 455,00 |
| Mayores de 65 | 16,00 | 43,50 | 142,00 |

La matrícula cuesta 12 euros y no se devuelve.
""",
    "colmenas.csv": """colmena,reina,cuadros con cría,última revisión,miel 2025 (kg)
Romero,2024,7,2026-03-01,18.5
Tomillo,2023,4,2026-03-01,11.0
Jara,2025,9,2026-03-08,22.4
Lavanda,2024,6,2026-03-08,15.7
Brezo,2022,0,2026-02-21,6.3
""",
    "horario-autobus.md": """# Autobús de Cieza la Vieja

| Parada | Lunes a viernes | Sábados | Domingos |
|---|---|---|---|
| Estación | 7:10 | 8:40 | 9:55 |
| Plaza Mayor | 7:22 | 8:51 | 10:06 |
| Hospital | 7:34 | 9:02 | no para |
| Polígono | 7:48 | no para | no para |
""",
}

SMALL_CASES = [
    ("en", "What does a car cost from Saltney to Little Orm?", [["41.00", "41"]], ["37.50", "63.50"], "ferry-fares.md"),
    ("en", "Fare for a bicycle between Orm and Little Orm?", ["1.50"], ["3.00"], "ferry-fares.md"),
    ("en", "How many packets of Carrot Redgrove are in stock?", ["22"], [], "seed-stock.csv"),
    ("en", "Until when can Leek Musket be sown?", ["April"], ["July"], "seed-stock.csv"),
    ("en", "What is the price of Beet Ruby Globe?", ["1.80"], ["1.95", "2.20"], "seed-stock.csv"),
    ("en", "Who has the late shift on Wednesday?", ["Bea"], ["Edda"], "shift-rota.md"),
    ("en", "Who works the night on Thursday?", ["Edda"], ["Dot"], "shift-rota.md"),
    ("es", "¿Cuánto cuesta el abono familiar de tres meses?", ["133,00~133"], ["84,50", "455,00"], "tarifas-piscina.md"),
    ("es", "¿Cuánto paga al año un mayor de 65?", ["142,00~142"], ["43,50", "171,00"], "tarifas-piscina.md"),
    ("es", "¿Cuántos kilos de miel dio la colmena Lavanda en 2025?", ["15.7~15,7"], ["22.4", "22,4"], "colmenas.csv"),
    ("es", "¿De qué año es la reina de la colmena Tomillo?", ["2023"], ["2024"], "colmenas.csv"),
    ("es", "¿Cuántos cuadros con cría tiene Jara?", ["9~nueve"], [], "colmenas.csv"),
    ("es", "¿A qué hora pasa el autobús por la Plaza Mayor los sábados?", ["8:51"], ["7:22", "10:06"], "horario-autobus.md"),
    ("es", "¿A qué hora pasa el autobús por el Hospital entre semana?", ["7:34"], ["9:02"], "horario-autobus.md"),
]

# Company, quarter, row.
CELLS = {
    "en": [(0, 0, 0), (0, 1, 19), (0, 2, 15), (0, 3, 36), (1, 0, 34), (1, 1, 19), (1, 2, 3), (1, 3, 0), (0, 2, 38), (1, 2, 27)],
    "es": [(2, 0, 0), (2, 1, 19), (2, 2, 15), (2, 3, 36), (2, 0, 34), (2, 1, 24), (2, 2, 3), (2, 3, 26), (2, 1, 38), (2, 2, 35)],
}


def value(company, quarter, row, year):
    low, high = ROWS[row][2:]
    return low + scattered(company * 1000 + quarter * 100 + row, high - low, year)


def grouped(number, spanish):
    return f"{number:,}".replace(",", "." if spanish else ",")


def report(company, quarter):
    name, _, spanish = COMPANIES[company]
    if spanish:
        lines = [
            "# Información trimestral", "",
            f"{name}, S.A. Trimestre cerrado el {ENDS_ES[quarter]} de 2025. En miles de euros, sin auditar.", "",
            f"| Concepto | {ORDER_ES[quarter].capitalize()} trimestre 2025 | {ORDER_ES[quarter].capitalize()} trimestre 2024 |",
        ]
    else:
        lines = [
            "# Quarterly report", "",
            f"{name} plc. For the quarter ended {ENDS_EN[quarter]} 2025. In thousands of pounds, unaudited.", "",
            f"| Item | {ORDER_EN[quarter].capitalize()} quarter 2025 | {ORDER_EN[quarter].capitalize()} quarter 2024 |",
        ]
    lines.append("|---|---|---|")
    for row, names in enumerate(ROWS):
        now, before = (grouped(value(company, quarter, row, year), spanish) for year in (2025, 2024))
        lines.append(f"| {names[spanish]} | {now} | {before} |")
    return "\n".join(lines) + "\n"


def cell_case(language, number, company, quarter, row):
    name, short, spanish = COMPANIES[company]
    item = ROWS[row][spanish]
    right = value(company, quarter, row, 2025)
    neighbours = [(company, other, 2025) for other in range(4) if other != quarter]
    neighbours += [(other, quarter, 2025) for other in range(3) if other != company] + [(company, quarter, 2024)]
    false = {grouped(value(c, q, row, year), spanish) for c, q, year in neighbours} - {grouped(right, spanish)}
    if language == "en":
        when = [f"in Q{quarter + 1} 2025", f"in the quarter ended {ENDS_EN[quarter]} 2025"][number % 2]
        whose = f"{name}'" if name.endswith("s") else f"{name}'s"
        question = f"What was {whose} figure for {item.lower()} {when}?"
    else:
        when = [f"en el {ORDER_ES[quarter]} trimestre de 2025", f"al {ENDS_ES[quarter]} de 2025"][number % 2]
        question = f"¿Qué cifra de {item.lower()} tenía {name} {when}?"
    return {
        "question": question, "kind": "report", "language": language,
        "expect": [[grouped(right, False), grouped(right, True), str(right)]], "reject": sorted(false),
        "cites": f"{short}-2025-q{quarter + 1}.md",
    }


def cases():
    for language, cells in CELLS.items():
        for number, cell in enumerate(cells):
            yield cell_case(language, number, *cell)
        for each, question, expect, false, file in SMALL_CASES:
            if each == language:
                expect = [one.split("~") if isinstance(one, str) and "~" in one else one for one in expect]
                case = {"question": question, "kind": "table", "language": language, "expect": expect}
                yield case | ({"reject": false} if false else {}) | {"cites": file}
    for language, question in [
        ("en", "What was Calder Foods' goodwill in Q3 2025?"),
        ("en", "What was Brightwater Instruments' revenue in Q2 2022?"),
        ("en", "What does a motorhome cost from Orm to Port Tarn?"),
        ("es", "¿Qué fondo de comercio tenía Naviera Olivares en el tercer trimestre de 2025?"),
        ("es", "¿Qué ingresos tuvo Naviera Olivares en el segundo trimestre de 2022?"),
        ("es", "¿Cuánto cuesta el abono de estudiante de un mes?"),
    ]:
        yield {"question": question, "kind": "absent", "language": language, "found": False}


def main():
    folder = Path(sys.argv[1])
    notes = folder / "notes"
    notes.mkdir(parents=True, exist_ok=True)
    for company, (_, short, _) in enumerate(COMPANIES):
        for quarter in range(4):
            (notes / f"{short}-2025-q{quarter + 1}.md").write_text(report(company, quarter), encoding="utf-8")
    for name, text in SMALL.items():
        (notes / name).write_text(text, encoding="utf-8")
    lines = ['name = "tables"', 'documents = "notes"']
    for case in cases():
        lines += ["", "[[question]]"]
        lines += [f"{key} = {json.dumps(field, ensure_ascii=False)}" for key, field in case.items()]
    (folder / "cases.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
