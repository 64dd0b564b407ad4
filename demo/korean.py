"""The Korean of what others say on the page: messages of the package, and texts that Gradio has in English only."""

# Messages of the package, by their keys. One that is missing here stays English.
KOREAN = {
    "unreadable": "{name} 파일을 사진으로 읽을 수 없습니다. 온전한 이미지 파일을 고르세요.",
    "empty": "{name} 파일이 비어 있습니다. 온전한 파일을 고르세요.",
    "too_large": "{name} 파일이 너무 큽니다. 최대 {megapixels}메가픽셀까지 읽습니다.",
    "file_too_large": "{name} 파일이 너무 큽니다. 최대 {mebibytes}MiB까지 읽습니다.",
    "memory": "{name} 파일을 읽기에는 메모리가 부족합니다.",
    "no_pixels": "{name} 파일에 픽셀이 없습니다.",
    "heic": "{name} 파일은 HEIC입니다. 이 서버는 HEIC를 읽지 못합니다.",
    "odd_tiff": "{name} 파일은 여기서 읽지 못하는 TIFF입니다. 8비트나 16비트로 다시 저장해 주세요.",
    "many_scans": "{name} 파일은 드문 방식으로 저장되었습니다. 다른 프로그램으로 다시 저장해 주세요.",
    "large_tiles": "{name} 파일은 드문 방식으로 저장되었습니다. 다른 프로그램으로 다시 저장해 주세요.",
    "all_masked": "사진 전체가 표시되었습니다. 실마리가 될 부분을 남겨 주세요.",
    "other_size": "{name} 파일은 {width} x {height} 픽셀인데 사진은 {wanted} 픽셀입니다. 같은 크기로 주세요.",
    "no_alpha": "{name} 파일에 알파 채널이 없습니다. RGBA로 주세요.",
    "pages": "여러 페이지 가운데 한 장만 씁니다.",
    "deep_color": "16비트 색을 8비트로 읽었습니다.",
    "dark": "가장 밝은 값이 65535 가운데 {most}입니다. 너무 어두우면 먼저 밝게 하세요.",
    "left_out": "{kind} 정보가 손상되었거나 너무 커서 뺐습니다.",
    "no_profile": "색 프로파일을 쓸 수 없어 sRGB로 읽었습니다.",
}

# Texts that Gradio has in English only, as patterns: replaced in the browser.
ENGLISH_ONLY = {
    "^Fullscreen$": "전체 화면", "^Exit fullscreen mode$": "전체 화면 끝내기", "^Remove (Image|this file)$": "빼기",
    "^Reset to default value$": "처음 값으로", "^(number input|range slider) for (.*)": "$2",
    "^processing": "처리 중", "^queue: ": "대기 순서: ", r"^Uploading (\d+)\s+files?": "파일 $1개 올리는 중",
}  # fmt: skip
