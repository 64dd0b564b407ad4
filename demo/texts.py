"""Every text of the page, in English and Korean.

Text on the page follows the browser's language (`label`); text from the server follows the language that the browser
asks for (`say`).
"""

import re

import gradio as gr

from demo.korean import KOREAN
from restoration.errors import Sentence

LANGUAGES = ("en", "ko")
TEXTS = {
    # the page
    "title": ("# Photo restoration", "# 사진 복원"),
    "lead": (
        "Drop an old photo. Cracks, scratches and holes are filled, and it comes back in color.",
        "오래된 사진을 넣으면, 갈라지고 긁히고 빠진 곳이 채워지고 색이 돌아옵니다.",
    ),
    "to_result": ("Go to result", "결과로 가기"),
    "tab_photo": ("One photo", "사진 한 장"),
    "tab_batch": ("Many photos", "여러 장"),
    # one photo: the start
    "drop": (
        "Drop or paste a photo here\nor tap to choose one",
        "사진을 여기에 끌어다 놓거나 붙여 넣거나\n눌러서 고르세요",
    ),
    "limits": (
        "PNG, JPEG, TIFF, WebP, HEIC, BMP or GIF, up to {megapixels} megapixels and {megabytes} MB. Your photo is "
        "deleted from this server {minutes} minutes after you close the page.",
        "PNG, JPEG, TIFF, WebP, HEIC, BMP, GIF · 최대 {megapixels}메가픽셀, {megabytes}MB. 사진은 페이지를 "
        "닫고 {minutes}분이 지나면 서버에서 삭제됩니다.",
    ),
    "examples": ("Or try one of these", "예시 사진으로 해 보기"),
    "credits": (
        "Prints: Dorothea Lange, Adolphe Braun, courtesy of the Getty's Open Content Program (CC0). Photos: Eileen "
        "Collins, NASA (public domain) · Chelsea the cat, Stefan van der Walt (CC0) · coffee, "
        "Rachel Michetti (CC0) · DSCOVR launch, SpaceX (public domain).",
        "인화지: 도러시아 랭, 아돌프 브라운, 게티 오픈 콘텐츠 프로그램 (CC0). 사진: 아일린 콜린스, "
        "NASA (퍼블릭 도메인) · "
        "고양이 첼시, Stefan van der Walt (CC0) · 커피, Rachel Michetti (CC0) · DSCOVR 발사, SpaceX (퍼블릭 도메인).",
    ),
    # one photo: what is damaged
    "found": (
        "Marked in red: {share} of the photo. Tap or paint what was missed; erase what isn't damage.",
        "붉은 부분은 사진의 {share}입니다. 놓친 곳은 누르거나 칠하고, 손상이 아닌 곳은 지우세요.",
    ),
    "check": (
        "Marked in red: {share}. Check faces: erase a marked eye or necklace. Tap what was missed.",
        "붉은 부분은 {share}. 얼굴을 보고 눈이나 목걸이가 표시되었으면 지우세요. 놓친 곳은 누르세요.",
    ),
    "not_found": (
        "No damage is marked. Tap a crack, paint over what to repair, or press Find more.",
        "표시된 손상이 없습니다. 균열을 누르거나 고칠 곳을 칠하세요. 더 찾기를 눌러도 됩니다.",
    ),
    "found_more": (
        "**New marks are yellow**, single ones circled. Tap one to unmark it. Total marked: {share}.",
        "**새 표시는 노란색**, 따로 있는 것은 동그라미 안. 손상이 아니면 눌러서 지우세요. 모두 {share}.",
    ),
    "whole_stroke": (
        "**Your whole stroke is marked.** If that's too much, undo it and use a smaller brush.",
        "**칠한 곳을 모두 표시했습니다.** 너무 넓으면 되돌리고 더 작은 붓을 쓰세요.",
    ),
    "fitted_stroke": (
        "**Only the damage under your stroke is marked.** To mark it all, paint there again.",
        "**칠한 곳에서 손상된 부분만 표시했습니다.** 모두 표시하려면 같은 곳을 한 번 더 칠하세요.",
    ),
    "followed_tap": (
        "**What you tapped is marked to its ends.** If that's too much, undo it and paint instead.",
        "**누른 손상을 끝까지 표시했습니다.** 너무 넓으면 되돌리고 직접 칠하세요.",
    ),
    "small": (
        "At {width} x {height} pixels this photo is too small to repair or color. Choose a larger version.",
        "{width} x {height} 픽셀뿐이라 고치거나 색을 입히기에는 너무 작습니다. 더 큰 파일을 고르세요.",
    ),
    "no_more": ("Nothing more found.", "더 찾은 곳이 없습니다."),
    "in_color": (
        "This photo is already in color. Only marked areas are repaired; to recolor it, check this box.",
        "이미 컬러 사진이라 표시한 곳만 고칩니다. 색을 새로 입히려면 이 상자에 체크하세요.",
    ),
    "tinted": (
        "This looks like a tinted black-and-white photo, so it gets new colors.",
        "종이 색이 변한 흑백 사진으로 보입니다. 색을 새로 입힙니다.",
    ),
    "prints": ("On this scan: choose a photo", "스캔에서 찾은 사진: 하나를 고르세요"),
    "print": ("Photo {number}", "사진 {number}"),
    "whole_scan": ("Whole scan", "스캔 전체"),
    "editor": ("Photo with damage marked", "손상된 곳을 표시한 사진"),
    "recolor": ("Treat it as black-and-white and recolor it", "흑백 사진으로 보고 색을 새로 입히기"),
    "move": ("Scroll", "화면 이동"),
    "offer": ("Swiping scrolls. Tap here to paint.", "지금은 화면이 움직입니다. 칠하려면 여기를 누르세요."),
    "paint": ("Mark", "칠하기"),
    "erase": ("Erase", "지우기"),
    "pen": ("Brush", "붓"),
    "other": ("Another color", "다른 색"),
    "width": ("Brush size", "붓 크기"),
    "zoom": ("Zoom", "확대"),
    "keys": (
        "Arrows: move the brush (Shift: small steps), Space: start or end a stroke",
        "화살표: 붓 옮기기 (Shift: 조금씩), 스페이스: 획 시작과 끝",
    ),
    "enter": (", Enter: restore", ", 엔터: 복원"),
    "undo": ("Undo", "되돌리기"),
    "snap": ("Snap strokes to damage", "칠한 곳에서 손상된 부분만 고르기"),
    "texture": ("Add invented texture to large holes", "큰 구멍에는 질감을 만들어 넣기"),
    "more": ("Find more", "더 찾기"),
    "unmark": ("Unmark all", "표시 모두 해제"),
    "mask_file": ("Load a mask (white = damaged)", "마스크 불러오기 (흰색 = 손상)"),
    "restore": ("Restore", "복원하기"),
    "another": ("Another photo", "다른 사진"),
    "back": ("Back to your photo", "하던 사진으로 돌아가기"),
    # one photo: the result
    "waiting": ("The restored photo will appear here.", "복원된 사진이 여기에 나타납니다."),
    "color": ("Color", "컬러"),
    "gray": ("Gray", "흑백"),
    "slider": ("Before and after", "복원 전과 후"),
    "save_png": ("Download PNG", "PNG 내려받기"),
    "save_jpeg": ("Download JPEG", "JPEG 내려받기"),
    "freshen": ("Freshen faded tones", "바랜 명암 되살리기"),
    "variants": ("Colorings: choose one", "여러 가지 색: 하나를 고르세요"),
    "vividness": ("Vividness", "색의 진하기"),
    "hints_open": ("Choose colors", "색 고르기"),
    "hints": ("Photo to dab colors on", "색을 찍을 사진"),
    "hints_how_to": (
        "Pick a color and dab it on a dress, a car, the sky. A small spot is enough. If it spreads too far, dab the "
        "right color there.",
        "색을 고른 뒤 옷, 자동차, 하늘에 살짝 찍어 보세요. 작은 점이면 충분합니다. 번진 곳에는 맞는 색을 찍으세요.",
    ),
    "hints_in_color": (
        "This photo keeps its own colors. Dabs work only where it was repaired.",
        "이 사진은 원래 색을 지킵니다. 고친 곳에만 색을 찍을 수 있습니다.",
    ),
    "reference": ("Use colors from another photo", "다른 사진에서 색 가져오기"),
    "hints_undo": ("Undo last color", "마지막 색 되돌리기"),
    "repaired": (
        "{share} of the photo was repaired. The fill and the added colors are guesses.",
        "사진의 {share}를 고쳤습니다. 채운 부분과 입힌 색은 추측입니다.",
    ),
    "marks_changed": (
        "The marks have changed. Press Restore to update the result.",
        "표시가 바뀌었습니다. 복원하기를 누르면 결과에 반영됩니다.",
    ),
    "only_colored": ("Nothing was marked, so the photo was only colored.", "표시된 곳이 없어 색만 입혔습니다."),
    # many photos
    "batch_lead": (
        "Up to {count} photos or a zip, {megapixels} megapixels in total. Damage is detected automatically in "
        "each photo. Prints on a scan also come back one by one, cut out.",
        "사진 최대 {count}장 또는 zip 파일, 모두 합해 {megapixels}메가픽셀까지. 손상은 자동으로 찾고, 스캔 속 사진은 "
        "한 장씩 오려서도 돌려드립니다.",
    ),
    "batch_files": ("Photos or a zip", "사진 또는 zip"),
    "batch_gray": ("Repair only, no color", "고치기만 하고 흑백으로 두기"),
    "batch_start": ("Restore all", "모두 복원하기"),
    "batch_save": ("Download zip", "zip 내려받기"),
    "batch_done": ("{done} of {count} photos restored.", "{count}장 가운데 {done}장을 복원했습니다."),
    "batch_running": (
        "The photos are being restored. Leave this tab open: the results appear here, also after a reload or up to "
        "{minutes} minutes without connection.",
        "복원하는 중입니다. 이 탭을 닫지 마세요. 새로 고치거나 연결이 {minutes}분까지 끊겨도 결과가 나타납니다.",
    ),
    "batch_pairs": ("Before and after", "복원 전과 후"),
    "batch_choose": (
        "Choose a photo below to correct it by hand; the zip then has your version.",
        "아래에서 골라 직접 고치면 zip에 고친 사진이 들어갑니다.",
    ),
    "batch_unit": ("photos", "장"),
    "batch_share": ("{name}: {share} repaired", "{name}: {share} 고침"),
    "batch_whole": ("{name}: no damage found", "{name}: 손상된 곳 없음"),
    "batch_kept": ("{said}; colors kept", "{said}, 색은 그대로"),
    "batch_own": ("{name}: corrected by you", "{name}: 직접 고침"),
    "batch_failed": ("Not restored:", "복원하지 못한 파일:"),
    # stages
    "reading": ("Reading the photo", "사진을 읽는 중"),
    "finding": ("Finding damage", "손상된 곳을 찾는 중"),
    "filling": ("Filling the damage", "손상된 곳을 채우는 중"),
    "coloring": ("Coloring", "색을 입히는 중"),
    "showing": ("Preparing the view", "화면을 준비하는 중"),
    "writing": ("Writing the file", "파일을 쓰는 중"),
    # refusals
    "no_photo": ("Choose a photo first.", "먼저 사진을 고르세요."),
    "photo_gone": (
        "What you sent is no longer on the server. Please choose it again.",
        "사진이 이제 서버에 없습니다. 다시 골라 주세요.",
    ),
    "nothing_to_do": (
        "This photo is in color and nothing is marked. Paint over the areas to repair, or choose to recolor it.",
        "컬러 사진이고 표시된 곳이 없습니다. 고칠 곳을 칠하거나 색을 새로 입히기를 고르세요.",
    ),
    "busy": (
        "The server is busy or unreachable. Retrying every 10 seconds.",
        "서버가 바쁘거나 연결되지 않습니다. 10초마다 다시 시도합니다.",
    ),
    "broken": (
        "Upload failed: the file is over {megabytes} MB, or the connection dropped. Try again.",
        "업로드하지 못했습니다. 파일이 {megabytes}MB를 넘거나 연결이 끊겼습니다. 다시 해 보세요.",
    ),
    "again": ("Retry now", "지금 다시 시도하기"),
    "instead": ("Opening the new photo ends your work on this one.", "새 사진을 열면 지금 하던 작업은 사라집니다."),
    "open_it": ("Open the new photo", "새 사진 열기"),
    "too_much": (
        "The server ran out of memory. Try a smaller photo.",
        "서버의 메모리가 부족합니다. 더 작은 사진으로 해 보세요.",
    ),
    "fault": (
        "Something went wrong on our side. Try again, or try another photo.",
        "서버에서 문제가 생겼습니다. 다시 시도하거나 다른 사진으로 해 보세요.",
    ),
    "too_many_pixels": (
        "{name} is too large. The limit is {megapixels} megapixels.",
        "{name} 파일이 너무 큽니다. 최대 {megapixels}메가픽셀까지 됩니다.",
    ),
    "too_many_photos": (
        "More than {count} photos. Please upload fewer at a time.",
        "사진이 {count}장을 넘습니다. 나누어 올려 주세요.",
    ),
    "zip_too_large": (
        "{name} unpacks to more than {megabytes} MB. Please split it.",
        "{name} 파일은 풀면 {megabytes}MB를 넘습니다. 나누어 올려 주세요.",
    ),
    "bad_zip": ("{name} is not a readable zip file.", "{name} 파일을 zip으로 읽을 수 없습니다."),
    "no_photos_inside": ("No photos found in your upload.", "올리신 파일에 사진이 없습니다."),
    "beyond_limit": (
        "skipped because the photos before it reach the {megapixels}-megapixel limit.",
        "앞의 사진들이 {megapixels}메가픽셀 한도에 이르러 건너뛰었습니다.",
    ),
}  # fmt: skip

# Gradio's own texts, by its keys.
GRADIO = {
    "upload_text.drop_file": ("Drop photos or a zip here", "사진이나 zip을 여기에 놓으세요"),
    "upload_text.click_to_upload": ("Tap to choose", "눌러서 고르세요"),
    "common.complete": ("Done", "끝났습니다"),
    "common.progress": ("Progress", "진행"),
    "status.queue_position": ("In queue: {position} of {size}", "대기 순서: {size} 가운데 {position}"),
}
_KEYED = {f"page.{key}": text for key, text in TEXTS.items()} | GRADIO
_I18N = {language: {key: text[i] for key, text in _KEYED.items()} for i, language in enumerate(LANGUAGES)}
PAGE_TEXTS = gr.I18n(**_I18N)  # goes to `launch`


def label(key: str, **values: object) -> gr.i18n.I18nData:
    """A text for the page, in the browser's language; `values` fill its blanks and are the same for every visitor."""
    for i, language in enumerate(LANGUAGES):
        PAGE_TEXTS.translations[language][f"page.{key}"] = TEXTS[key][i].format(**values)
    return PAGE_TEXTS(f"page.{key}")


def say(key: str, language: str, **values: object) -> str:
    """A text from the server."""
    return TEXTS[key][LANGUAGES.index(language)].format(**values)


def percent(share: float) -> str:
    """A share above zero as a percentage, for either language."""
    return f"{share:.1%}" if share >= 0.0005 else "< 0.1%"


def language_of(request: "gr.Request | None") -> str:
    """The browser's first choice if it is one of LANGUAGES, else English, also for programs, which name no language."""
    wanted = request.headers.get("accept-language", "") if request else ""
    first = re.match(r"\s*([a-z]{2})", wanted.lower())
    return first.group(1) if first and first.group(1) in LANGUAGES else "en"


def translated(sentence: Sentence, language: str) -> str:
    """A message of the package or of TEXTS in the visitor's language."""
    korean = TEXTS[sentence.key][1] if sentence.key in TEXTS else KOREAN.get(sentence.key)
    return korean.format(**sentence.values) if korean and language == "ko" else sentence
