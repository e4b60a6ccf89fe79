"""The words of the pages on scenarios and runs, in Dutch and English."""

from __future__ import annotations

RUN_WORDS: dict[str, tuple[str, str]] = {
    "scenarios_title": ("Scenario's", "Scenarios"),
    "scenarios_lead": (
        "Elk scenario is één vraag, met één doel. Vooraf staat vast wie wat inbrengt en wie wat te weten komt.",
        "Each scenario is one question, with one purpose. Who puts in what and who learns what is fixed beforehand.",
    ),
    "scenario_learns": ("Komt iets te weten:", "Learns something:"),
    "scenario_parties": ("Doen mee:", "Take part:"),
    "purpose": ("Doel", "Purpose"),
    "source": ("Knelpunt", "Bottleneck"),
    "grondslag": ("Grondslag", "Grondslag (legal basis)"),
    "grondslag_term": ("geldig van {start} tot en met {end}", "valid from {start} to {end}"),
    "grondslag_open": ("geldig vanaf {start}, zonder einddatum", "valid from {start}, without an end"),
    "agreement": ("Afspraak", "Agreement"),
    "agreement_text": (
        "{name}, van {start} tot en met {end}; {signed} van {parties} handtekeningen kloppen",
        "{name}, from {start} to {end}; {signed} of {parties} signatures are right",
    ),
    "agreement_runs": (
        "hooguit {max} runs per {period}; uitkomsten blijven {result} bewaard",
        "at most {max} runs per {period}; results are kept for {result}",
    ),
    "day": ("dag", "day"),
    "one_day": ("1 dag", "1 day"),
    "days": ("{count} dagen", "{count} days"),
    "agreement_other_text": (
        "Let op: deze afspraak gaat over een andere tekst van het scenario dan de pagina toont.",
        "Mind: this agreement is on another text of the scenario than this page shows.",
    ),
    "agreement_over": (
        "Deze afspraak is vandaag niet van kracht.",
        "This agreement is not in force today.",
    ),
    "agreement_unknown": (
        "De pagina heeft geen kopie van de afspraken. De nodes zelf gaan na of er een geldt, en weigeren anders.",
        "This page has no copy of the agreements. The nodes themselves check whether one is in force, and refuse"
        " otherwise.",
    ),
    "agreement_none": (
        "Er ligt geen afspraak over dit scenario bij deze pagina. Zonder afspraak weigeren de nodes.",
        "There is no agreement on this scenario at this page. Without one the nodes refuse.",
    ),
    "learns_title": ("Wie komt wat te weten", "Who learns what"),
    "learns_caption": (
        "Afgeleid uit het protocol, niet met de hand opgesteld",
        "Derived from the protocol, not written by hand",
    ),
    "col_party": ("partij", "party"),
    "col_puts_in": ("brengt in", "puts in"),
    "col_learns": ("komt te weten", "learns"),
    "col_not": ("komt niet te weten", "does not learn"),
    "assumptions": ("Aannames", "Assumptions"),
    "limits": ("Grenzen", "Limits"),
    "collusion": ("Als partijen samenspannen", "If parties collude"),
    "constants": ("Getallen in de regel", "Numbers in the rule"),
    "assumed": ("aangenomen", "assumed"),
    "rule": ("De regel", "The rule"),
    "digest": ("Vingerafdruk van de tekst", "Fingerprint of the text"),
    "start_title": ("Starten", "Start"),
    "start": ("Start dit scenario", "Start this scenario"),
    "start_who": (
        "De pagina start met het certificaat van een operator van {party}. Dat kan alleen in deze demonstratie: in het"
        " echt start een medewerker van {party} zelf.",
        "The page starts with the certificate of an operator of {party}. That is for this demonstration only: in"
        " earnest somebody at {party} starts it.",
    ),
    "start_no_keys": (
        "Deze pagina kan niets starten: zij heeft geen operatorcertificaat (instelling operators). Starten kan met"
        " psi-match run, bij {party}.",
        "This page cannot start anything: it has no operator's certificate (setting operators). Start with psi-match"
        " run, at {party}.",
    ),
    "start_no_party": (
        "Deze pagina kan dit scenario niet starten: zij heeft geen operatorcertificaat van {party}, of kijkt niet naar"
        " die node.",
        "This page cannot start this scenario: it has no operator's certificate of {party}, or does not look at that"
        " node.",
    ),
    "start_stopped": (
        "Deze nodes antwoorden nu niet: {parties}. De run zal waarschijnlijk worden geweigerd of afgebroken.",
        "These nodes do not answer now: {parties}. The run will probably be refused or stopped.",
    ),
    "start_failed": ("De run is niet gelukt", "The run did not succeed"),
    "starting_title": ("Wordt gestart", "Starting"),
    "starting_text": (
        "De node leest haar bestand in, vraagt de anderen en controleert de afspraak.",
        "The node loads its file, asks the others and checks the agreement.",
    ),
    "busy": ("Er wordt al een run gestart vanaf deze pagina.", "A run is being started from this page already."),
    "busy_hint": ("Wacht tot die is afgelopen.", "Wait until it has ended."),
    "runs_title": ("Runs", "Runs"),
    "runs_lead": (
        "Alle runs die de nodes nog bewaren, nieuwste eerst. Elke run kan worden teruggekeken.",
        "All runs that the nodes still keep, newest first. Each can be looked back at.",
    ),
    "runs_none": ("De nodes bewaren nog geen runs.", "The nodes keep no runs yet."),
    "runs_caption": ("Runs, nieuwste eerst", "Runs, newest first"),
    "runs_from": ("gelezen bij {parties}", "read at {parties}"),
    "col_scenario": ("scenario", "scenario"),
    "col_started": ("begonnen", "started"),
    "col_duration": ("duur", "duration"),
    "run_state_running": ("bezig", "under way"),
    "run_state_finished": ("klaar", "finished"),
    "run_state_failed": ("afgebroken", "stopped early"),
    "run_title": ("Run: {title}", "Run: {title}"),
    "run_unknown": ("Geen node kent deze run.", "No node knows this run."),
    "run_unknown_hint": (
        "Kies een run uit de lijst; oude runs worden verwijderd.",
        "Choose a run from the list; old runs are deleted.",
    ),
    "progress_title": ("Voortgang", "Progress"),
    "progress_with": ("met {party}: {step}", "with {party}: {step}"),
    "progress_none": (
        "De voortgang per stap komt zodra de nodes rekenen.",
        "Progress per step appears as soon as the nodes compute.",
    ),
    "result_title": ("Uitkomst", "Result"),
    "result_failed": (
        "De run is afgebroken. Geen van de nodes die antwoorden, heeft een uitkomst.",
        "The run was stopped. None of the nodes that answer has a result.",
    ),
    "result_failed_partly": (
        "De run is niet bij alle partijen goed afgelopen. Een uitkomst is er bij: {parties}.",
        "The run did not end well at all parties. There is a result at: {parties}.",
    ),
    "result_failed_where": (
        "{party} meldt: {error}",
        "{party} reports: {error}",
    ),
    "col_rows_in": ("bracht in (rijen)", "put in (rows)"),
    "col_found": ("gevonden", "found"),
    "col_expected": ("volgens de regel op gewone tabellen", "by the rule on plain tables"),
    "learned_rows": ("{count} rijen van de uitkomst, op de eigen node", "{count} rows of the result, at its own node"),
    "learned_others": (
        "van de andere eigen rijen dat zij er niet onder vallen",
        "of its other rows that they do not meet the rule",
    ),
    "learned_matches": ("{count} eigen rijen ook bij {party}", "{count} own rows also at {party}"),
    "learned_nothing": (
        "uit de uitkomst over geen mens iets, als allen zich aan de afspraak houden; wel afgeronde omvangen, en uit de"
        " duur is de ware te schatten",
        "from the result nothing about any person, if all keep to the agreement; rounded sizes, and the true ones can"
        " be estimated from the time",
    ),
    "learned_unknown": ("onbekend: deze node geeft geen verslag", "unknown: this node gives no record"),
    "compare_caption": ("Gevonden naast verwacht", "Found beside expected"),
    "compare_equal": ("aantal gelijk", "equal count"),
    "compare_differs": ("aantal verschilt", "count differs"),
    "compare_hidden": (
        "afgerond en onderdrukt: staat alleen in de uitkomst",
        "rounded and suppressed: only in the result",
    ),
    "compare_note": (
        "Vergeleken zijn aantallen: hoeveel rijen er zijn, niet welke mensen het zijn of wat er bij hen staat, want"
        " rijen ziet deze pagina nooit. De uitkomst zelf wordt vergeleken door psi-match demo. De verwachte aantallen"
        " komen uit de verzonnen bevolking; in het echt kan niemand ze zo uitrekenen.",
        "Counts were compared: how many rows there are, not which people they are or what stands beside them, for this"
        " page never sees rows. The result itself is compared by psi-match demo. The expected counts come from the"
        " made-up population; in earnest nobody can work them out this way.",
    ),
    "compare_note_table": (
        "Vergeleken is hoeveel regels de tabel van de ontvanger heeft, niet de aantallen in die regels: die ziet deze"
        " pagina nooit. De tabel zelf wordt vergeleken door psi-match demo.",
        "How many lines the recipient's table has was compared, not the counts in those lines: this page never sees"
        " them. The table itself is compared by psi-match demo.",
    ),
    "no_evaluation": (
        "De pagina heeft geen synthetische waarheid (instelling evaluation), dus staat er niets naast de uitkomst.",
        "This page has no synthetic truth (setting evaluation), so nothing stands beside the result.",
    ),
    "recipient_link": ("De eigen pagina van {party}, met de rijen", "{party}'s own page, with the rows"),
    "recipient_text": (
        "De rijen staan alleen op de node van de ontvanger. Wie daar operator is, logt in op de eigen pagina:",
        "The rows are only at the recipient's node. Its operators log in at a page of its own:",
    ),
    "recipient_none": (
        "De rijen staan alleen op de node van de ontvanger ({party}) en zijn daar op te halen met psi-match result.",
        "The rows are only at the recipient's node ({party}); fetch them there with psi-match result.",
    ),
    "views_title": ("Wat de ontvanger ziet, en wat de anderen zien", "What the recipient sees, and what others see"),
    "view_recipient": ("ontvanger", "recipient"),
    "upset_title": ("Overlap tussen de bestanden", "Overlap of the files"),
    "upset_note": (
        "Uit de synthetische waarheid: geen partij kent de hele figuur.",
        "From the synthetic truth: no party knows the whole picture.",
    ),
    "baselines_title": ("Vandaag, of met psi-match", "Today, or with psi-match"),
    "baselines_intro": (
        "Hoeveel rijen van anderen elke partij zou kunnen lezen of herleiden, per manier om dezelfde vraag te"
        " beantwoorden.",
        "How many rows of others each party could read or recover, per way to answer the same question.",
    ),
    "baselines_caption": (
        "Rijen van anderen die een partij kan lezen of herleiden",
        "Rows of others that a party can read or recover",
    ),
    "col_way": ("manier", "way"),
    "col_rows_crossing": ("rijen die van huis gaan", "rows that leave home"),
    "scrub_title": ("De run terugkijken", "Look back at the run"),
    "scrub_intro": (
        "Stap voor stap door wat de nodes zelf hebben vastgelegd: wie stuurde wat naar wie. Gebruik de schuif of de"
        " pijltjestoetsen.",
        "Step by step through what the nodes recorded themselves: who sent what to whom. Use the slider or the arrow"
        " keys.",
    ),
    "scrub_label": ("Moment in de run", "Moment in the run"),
    "scrub_play": ("Afspelen", "Play"),
    "scrub_pause": ("Pauze", "Pause"),
    "scrub_at": (
        "Stap {step} van {steps}, {seconds} na het begin.",
        "Step {step} of {steps}, {seconds} from the start.",
    ),
    "scrub_begin": ("Begin van de run.", "Beginning of the run."),
    "scrub_caption": ("Verstuurd tot en met dit moment", "Sent up to this moment"),
    "scrub_none": (
        "Er zijn geen opgenomen berichten van deze run.",
        "There are no recorded messages of this run.",
    ),
    "scrub_missing": (
        "Zonder opname van: {parties}. Hun berichten zijn te zien zoals de andere kant ze meldt.",
        "Without a recording of: {parties}. Their messages are shown as the other end reports them.",
    ),
    "scrub_clocks": (
        "De tijden zijn die van de klok van elke node zelf.",
        "Times are those of each node's own clock.",
    ),
    "reports_title": ("Rapport", "Report"),
    "reports_text": (
        "Het rapport wordt gemaakt uit de verslagen en opnamen die de nodes nu geven; er staan geen rijen in.",
        "The report is made from the records and recordings that the nodes give now; it holds no rows.",
    ),
    "reports_busy": (
        "Er worden al rapporten gemaakt; er is nu geen plaats voor nog een.",
        "Reports are being made already; there is no room for another one now.",
    ),
    "reports_busy_hint": ("Probeer het over enkele seconden opnieuw.", "Try again in a few seconds."),
    "report_html": ("Rapport als webpagina ({language})", "Report as a web page ({language})"),
    "report_pdf": ("Rapport als PDF ({language})", "Report as PDF ({language})"),
    "lang_nl": ("Nederlands", "Dutch"),
    "lang_en": ("Engels", "English"),
    "facts_run": ("Kenmerk", "Id"),
    "facts_bytes": ("Verstuurd tussen de nodes", "Sent between the nodes"),
    "facts_state": ("Stand", "State"),
    "to_scenario": ("Naar het scenario", "To the scenario"),
    "ways_details": ("Waar deze aantallen vandaan komen", "Where these counts come from"),
    "live_here": ("De run is bezig; deze pagina volgt hem.", "The run is under way; this page follows it."),
    "show_result": ("Toon de uitkomst", "Show the result"),
    "finished_reload": ("De run is klaar; de uitkomst wordt geladen.", "The run is done; loading the result."),
}
