// One HTML page, complete in itself: no script, nothing from elsewhere, charts as SVG. Its policy allows its own style
// sheet by hash, and nothing else, so that not even a name that slipped through could do anything.
#include <cstdio>

#include "forms.h"
#include "fortium/base/hash.h"

namespace fortium::report {

namespace {

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--ink:#1c2128;--soft:#59636e;--line:#d5dae0;--paper:#fff;--bar:#2f6fde;--bad:#b42318;--good:#1a7f37;
--h0:#e8ebef;--h1:#b7d3f8;--h2:#79aef2;--h3:#3a7fe0;--h4:#1d4fa3}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ee;--soft:#9aa4b1;--line:#323a45;--paper:#14181e;--bar:#6ea8fe;--bad:#ff8b7e;
--good:#63c97f;--h0:#232a33;--h1:#1f3d66;--h2:#2c5f9e;--h3:#4c8fe0;--h4:#8cbcff}}
*{box-sizing:border-box}
body{margin:0 auto;padding:2rem 1rem;max-width:76rem;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
h1{margin:0;font-size:1.6rem}h2{margin:2rem 0 .5rem;font-size:1.1rem;break-after:avoid}
p,li{color:var(--soft)}p{margin:.2rem 0 1rem}ul{padding-left:1.2rem;font-size:.85rem}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(12rem,46%),1fr));gap:.75rem;margin:1rem 0}
.card{border:1px solid var(--line);border-radius:8px;padding:.6rem .8rem;break-inside:avoid}
.card dt{color:var(--soft);font-size:.85rem}.card dd{margin:0}
.card .now{font-size:1.2rem;font-weight:600;font-variant-numeric:tabular-nums;white-space:nowrap}
.card .was{color:var(--soft);font-size:.8rem}
.scroll{overflow-x:auto}
.newest{overflow-x:auto;width:fit-content;max-width:100%;direction:rtl}
table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
th{color:var(--soft);font-weight:500;font-size:.8rem;text-align:left}
th,td{padding:.3rem .5rem;border-bottom:1px solid var(--line);white-space:nowrap}
td:first-child{max-width:24rem;overflow:hidden;text-overflow:ellipsis}
.n{text-align:right}tfoot td{font-weight:600}
svg{display:block;direction:ltr}.bar{fill:var(--bar)}.axis{fill:var(--soft);font-size:9px}
.time{max-width:45rem;margin-bottom:1rem}.time svg{width:100%;height:auto}
.time p{display:flex;justify-content:space-between;margin:0;font-size:.75rem}
.h0{fill:var(--h0)}.h1{fill:var(--h1)}.h2{fill:var(--h2)}.h3{fill:var(--h3)}.h4{fill:var(--h4)}
.degrading{color:var(--bad)}.improving{color:var(--good)}
@media print{body{max-width:none;padding:0;font-size:11px}.scroll{overflow:visible}tr{break-inside:avoid}
svg *{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
)";

std::string base64(const Sha256& bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t at) { return at < bytes.size() ? static_cast<unsigned>(bytes[at]) : 0U; };
    const unsigned bits = byte(i) << 16U | byte(i + 1) << 8U | byte(i + 2);
    for (unsigned digit = 0; digit < 4; ++digit)
      out += i + digit > bytes.size() ? '=' : kDigits[bits >> (18U - 6U * digit) & 63U];
  }
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : harmless(text)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

std::string rect(double x, double y, double width, double height, std::string_view style, std::string_view title) {
  std::string out = "<rect class=\"" + std::string(style) + "\" x=\"" + number(x) + "\" y=\"" + number(y) +
                    "\" width=\"" + number(width) + "\" height=\"" + number(height) + "\"";
  return out + (title.empty() ? "/>" : "><title>" + escaped(title) + "</title></rect>");
}

std::string svg(double width, double height, std::string_view label, const std::string& shapes) {
  return "<svg role=\"img\" aria-label=\"" + escaped(label) + "\" width=\"" + number(width) + "\" height=\"" +
         number(height) + "\" viewBox=\"0 0 " + number(width) + " " + number(height) + "\">" + shapes + "</svg>";
}

std::string text_at(double x, double y, std::string_view text) {
  return "<text class=\"axis\" x=\"" + number(x) + "\" y=\"" + number(y) + "\">" + escaped(text) + "</text>";
}

std::string small_bars(const Series& series) {
  constexpr double kStep = 4, kHeight = 18;
  double most = 1;
  std::string shapes, numbers;
  for (const std::int64_t value : series) most = std::max(most, static_cast<double>(value));
  for (std::size_t i = 0; i < series.size(); ++i) {
    const double height = static_cast<double>(series[i]) / most * kHeight;
    numbers += (i == 0 ? "" : " ") + std::to_string(series[i]);
    shapes += rect(static_cast<double>(i) * kStep, kHeight - height, kStep - 1, height, "bar", "");
  }
  return svg(static_cast<double>(series.size()) * kStep, kHeight, numbers, shapes);
}

// Upright bars along time, or bars that lie, a row a group.
std::string chart(const Table& table, const Zone& zone) {
  const std::size_t charted = place_of(table, table.chart);
  if (charted == table.columns.size() || table.rows.empty()) return "";
  const Column& column = table.columns[charted];
  const Value longest = greatest(table, charted);
  const auto told = [&](const Row& row) {
    return read_by_people(row[0], Unit::text, zone) + ": " + read_by_people(row[charted], column.unit, zone);
  };
  std::string shapes;
  if (is_along_time(table)) {
    constexpr double kWidth = 720, kHeight = 120;
    const double step = kWidth / static_cast<double>(table.rows.size());
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
      const double height = part_of(table.rows[i][charted], longest) * kHeight;
      shapes += rect(static_cast<double>(i) * step, kHeight - height, std::max(1.0, step - 2), height, "bar",
                     told(table.rows[i]));
    }
    // It shrinks with the page; what is written below it does not.
    const auto end = [&](const Row& row) {
      return "<span>" + escaped(read_by_people(row[0], Unit::text, zone)) + "</span>";
    };
    return "<div class=\"time\">" + svg(kWidth, kHeight, column.title, shapes) + "<p>" + end(table.rows.front()) +
           end(table.rows.back()) + "</p></div>\n";
  }
  constexpr double kLabel = 170, kWidth = 560, kRow = 18;
  constexpr std::size_t kMostBars = 15, kLabelChars = 26;
  const std::size_t bars = std::min(table.rows.size(), kMostBars);
  for (std::size_t i = 0; i < bars; ++i) {
    const double y = static_cast<double>(i) * kRow;
    shapes += text_at(0, y + 12, shortened(read_by_people(table.rows[i][0], Unit::text, zone), kLabelChars));
    shapes +=
        rect(kLabel, y + 3, part_of(table.rows[i][charted], longest) * kWidth, kRow - 6, "bar", told(table.rows[i]));
  }
  return "<div class=\"scroll\">" + svg(kLabel + kWidth, static_cast<double>(bars) * kRow, column.title, shapes) +
         "</div>\n";
}

std::string cell(const Value& value, const Column& column, const Zone& zone) {
  if (const auto* series = std::get_if<Series>(&value)) return "<td>" + small_bars(*series) + "</td>";
  const std::string text = read_by_people(value, column.unit, zone);
  std::string style = is_number(column.unit) ? " class=\"n\"" : "";
  if (column.name == "trend" && value.index() != 0) style = " class=\"" + escaped(text) + "\"";
  return "<td" + style + ">" + escaped(text) + "</td>";
}

std::string rows_text(const Table& table, const Zone& zone) {
  if (table.rows.empty()) return "<p>" + std::string(kNothing) + "</p>\n";
  std::string out = chart(table, zone) + "<div class=\"scroll\"><table>\n<thead><tr>";
  for (const Column& column : table.columns)
    out += std::string("<th scope=\"col\"") + (is_number(column.unit) ? " class=\"n\"" : "") + " title=\"" +
           escaped(column.doc) + "\">" + escaped(column.title) + "</th>";
  out += "</tr></thead>\n<tbody>\n";
  for (const Row& row : table.rows) {
    out += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) out += cell(row[i], table.columns[i], zone);
    out += "</tr>\n";
  }
  out += "</tbody>\n";
  if (!table.totals.empty() && table.rows.size() > 1) {
    out += "<tfoot><tr><td>total</td>";
    for (std::size_t i = 1; i < table.totals.size(); ++i)
      out += table.totals[i].index() == 0 ? "<td></td>" : cell(table.totals[i], table.columns[i], zone);
    out += "</tr></tfoot>\n";
  }
  return out + "</table></div>\n";
}

std::string card_text(const Table& card, const Zone& zone) {
  std::string out = "<dl class=\"cards\">\n";
  const std::vector<CardLine> lines = card_lines(card, zone);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto* series = std::get_if<Series>(&card.totals[i]);
    out += "<div class=\"card\"><dt>" + escaped(lines[i].title) + "</dt><dd class=\"now\">" +
           (series != nullptr ? small_bars(*series) : escaped(lines[i].now)) + "</dd>";
    if (!card.before.empty() && series == nullptr && lines[i].before != kNotKnown)
      out += "<dd class=\"was\">before " + escaped(lines[i].before) +
             (lines[i].change != kNotKnown ? ", " + escaped(lines[i].change) : "") + "</dd>";
    out += "</div>\n";
  }
  return out + "</dl>\n";
}

std::string heat_text(const Table& heat) {
  constexpr double kStep = 13, kSize = 11, kTop = 14;
  std::string shapes, month;
  const std::vector<HeatWeek> weeks = heat_weeks(heat);
  for (std::size_t i = 0; i < weeks.size(); ++i) {
    const double x = static_cast<double>(i) * kStep;
    if (const std::string begins = weeks[i].monday.substr(0, 7); begins != month) {
      // Where there is room for it.
      if (i + 2 < weeks.size() && weeks[i + 2].monday.starts_with(begins))
        shapes += text_at(x, kTop - 4, begins.substr(5));
      month = begins;
    }
    for (std::size_t day = 0; day < 7; ++day)
      if (weeks[i].levels[day] >= 0)
        shapes +=
            rect(x, kTop + static_cast<double>(day) * kStep, kSize, kSize, "h" + std::to_string(weeks[i].levels[day]),
                 weeks[i].days[day] + ": " + with_thousands(weeks[i].counts[day]));
  }
  return "<div class=\"newest\">" +
         svg(static_cast<double>(weeks.size()) * kStep, kTop + 7 * kStep, "records by day", shapes) + "</div>\n";
}

}  // namespace

std::string to_html(const Report& report, const Look& /*look*/) {
  std::string out =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-" +
      base64(sha256(kStyle)) +
      "'; base-uri 'none'; form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>" +
      escaped(heading_of(report)) + "</title>\n<style>" + std::string(kStyle) +
      "</style>\n</head>\n<body>\n<main>\n<h1>" + escaped(heading_of(report)) + "</h1>\n<p>" +
      escaped(period_text(report)) + "</p>\n";
  for (const Table& table : report.tables) {
    if (!is_shown(report, table)) continue;
    out += "<section>\n";
    if (!table.title.empty()) out += "<h2>" + escaped(table.title) + "</h2>\n";
    switch (table.layout) {
      case Layout::rows: out += rows_text(table, report.zone); break;
      case Layout::card: out += card_text(table, report.zone); break;
      case Layout::heat: out += heat_text(table); break;
    }
    out += "</section>\n";
  }
  if (!report.notes.empty()) {
    out += "<ul>\n";
    for (const std::string& note : report.notes) out += "<li>" + escaped(note) + "</li>\n";
    out += "</ul>\n";
  }
  return out + "</main>\n</body>\n</html>\n";
}

}  // namespace fortium::report
